package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.bindCritical;
import static io.jobworker.base.linux.Ffm.bindVariadic;
import static io.jobworker.base.linux.Ffm.checked;
import static io.jobworker.base.linux.Ffm.notNow;
import static io.jobworker.base.linux.Ffm.rethrow;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.jobworker.base.words.OsString;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Descriptors and files, as far as Java has no words for them. Stateless and thread-safe. */
public final class FileCalls {
  // open(2), asm-generic values; O_DIRECTORY differs between architectures and is not used.
  public static final int O_RDONLY = 0;
  public static final int O_RDWR = 2;
  public static final int O_CREAT = 0100;
  public static final int O_NONBLOCK = 04000;
  public static final int O_CLOEXEC = 02000000;
  static final int O_PATH = 010000000;

  /**
   * What {@link #read} and {@link SocketCalls#receive} return when there is nothing to be had right
   * now.
   */
  public static final int WOULD_BLOCK = -1;

  private static final int F_SETFD = 2;
  private static final int F_GETFL = 3;
  private static final int F_SETFL = 4;
  private static final int F_GETLK = 5;
  private static final int FD_CLOEXEC = 1;
  private static final short F_WRLCK = 1;
  private static final short F_UNLCK = 2;

  private static final MethodHandle CLOSE = bind("close", JAVA_INT, JAVA_INT);
  // open(2) is variadic: its third argument is passed as such.
  private static final MethodHandle OPEN =
      bindVariadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle READ = bind("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle PREAD =
      bind("pread", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);

  /** Straight into an array. */
  private static final MethodHandle PREAD_INTO_ARRAY =
      bindCritical("pread", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);

  // fcntl(2) is variadic too; on aarch64 macOS that would matter, on Linux it costs nothing to be
  // right.
  private static final MethodHandle FCNTL =
      bindVariadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);

  private static final MethodHandle FCNTL_NUMBER =
      bindVariadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);

  private FileCalls() {}

  /**
   * Makes one that this process was given what our own are: close-on-exec and non-blocking.
   *
   * @throws LinuxException if there is none of this number
   */
  public static void takeOver(int descriptor) throws LinuxException {
    var _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    int now = fcntl(descriptor, F_GETFL, 0);
    var _ = fcntl(descriptor, F_SETFL, now | O_NONBLOCK);
  }

  private static int fcntl(int descriptor, int command, int argument) throws LinuxException {
    try {
      MemorySegment state = STATE.get();
      int answer = (int) FCNTL_NUMBER.invokeExact(state, descriptor, command, argument);
      return checked(answer, state, "fcntl", "descriptor " + descriptor);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** open(2); the descriptor is close-on-exec always. */
  public static Fd open(Path path, int flags) throws LinuxException {
    return open(OsString.of(path), flags);
  }

  private static Fd open(String path, int flags) throws LinuxException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = STATE.get();
      int fd = (int) OPEN.invokeExact(state, Ffm.word(arena, path), flags | O_CLOEXEC, 0600);
      return new Fd(checked(fd, state, "open", path), path);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static void close(int fd) {
    try {
      MemorySegment state = STATE.get();
      // close(2): the descriptor is gone whatever it answers; EINTR must not be tried again.
      int ignored = (int) CLOSE.invokeExact(state, fd);
    } catch (Throwable t) {
      throw new LinkageError("close", t);
    }
  }

  /**
   * read(2) from a non-blocking descriptor.
   *
   * @return how many bytes; 0 at the end; {@link #WOULD_BLOCK} when there is nothing now
   */
  public static long read(Fd fd, MemorySegment buffer) throws LinuxException {
    MemorySegment state = STATE.get();
    try {
      long n = (long) READ.invokeExact(state, fd.number(), buffer, buffer.byteSize());
      return notNow(n, state, "read", fd.toString());
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Reads up to {@code length} bytes at {@code offset} of a file into the start of {@code into}, of
   * which {@link MemoryCalls#isCached} has just said that they are in memory. No thread of this
   * process gets past its next safepoint meanwhile: for whatever may have to wait there is {@link
   * #pread}.
   *
   * @return how many; 0 at the file's end
   */
  public static int preadCached(Fd file, long offset, byte[] into, int length)
      throws LinuxException {
    try {
      MemorySegment array = MemorySegment.ofArray(into);
      long n = (long) PREAD_INTO_ARRAY.invokeExact(file.number(), array, (long) length, offset);
      if (n >= 0) {
        return (int) n;
      }
    } catch (Throwable t) {
      throw rethrow(t);
    }
    return pread(file, offset, into, length); // which tells why
  }

  /** Likewise, for bytes that may have to come from a disk first. */
  public static int pread(Fd file, long offset, byte[] into, int length) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(length);
      long n = (long) PREAD.invokeExact(state, file.number(), buffer, (long) length, offset);
      checked(n, state, "pread", file.toString());
      MemorySegment.copy(buffer, JAVA_BYTE, 0, into, 0, (int) n);
      return (int) n;
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** A file of the kernel's, whole, from its start (pread(2)). */
  public static String readText(Fd fd) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(4096);
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      while (true) {
        long n =
            (long)
                PREAD.invokeExact(
                    state, fd.number(), buffer, buffer.byteSize(), (long) text.size());
        int length = (int) checked(n, state, "pread", fd.toString());
        if (length == 0) {
          return text.toString(StandardCharsets.UTF_8);
        }
        text.writeBytes(buffer.asSlice(0, length).toArray(JAVA_BYTE));
      }
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Whether some process holds a record lock on the whole of {@code file} (fcntl_locking(2)).
   *
   * @return its PID, or 0 when there is none; in this process's PID namespace
   */
  public static int lockHolder(Path file) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Fd fd = open(file, O_RDWR);
        Arena arena = Arena.ofConfined()) {
      // struct flock, 64-bit: short l_type, short l_whence, (pad), long l_start, long l_len, int
      // l_pid.
      MemorySegment lock = arena.allocate(32, 8);
      lock.set(JAVA_SHORT, 0, F_WRLCK);
      int answer = (int) FCNTL.invokeExact(state, fd.number(), F_GETLK, lock);
      checked(answer, state, "fcntl(F_GETLK)", file.toString());
      return lock.get(JAVA_SHORT, 0) == F_UNLCK ? 0 : lock.get(JAVA_INT, 24);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }
}
