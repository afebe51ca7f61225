package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.bindPlain;
import static io.jobworker.base.linux.Ffm.bindVariadic;
import static io.jobworker.base.linux.Ffm.checked;
import static io.jobworker.base.linux.Ffm.errno;
import static io.jobworker.base.linux.Ffm.rethrow;
import static io.jobworker.base.linux.Ffm.untilUnreachable;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The page cache, and files in memory that processes share. Stateless and thread-safe. */
public final class MemoryCalls {
  private static final int MFD_CLOEXEC = 1;
  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int F_GET_SEALS = 1034;
  private static final int F_SEAL_SHRINK = 2;
  private static final int SEEK_END = 2;
  private static final int MAP_SHARED = 1;
  private static final long MAP_FAILED = -1;
  private static final long SYS_CACHESTAT = 451; // the same on every architecture

  private static final MethodHandle WRITE = bind("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle MEMFD_CREATE =
      bind("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle MMAP =
      bind("mmap", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = bind("munmap", JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle FCNTL_INT =
      bindVariadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle LSEEK = bind("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
  // syscall(2), for what glibc has no wrapper for; it is variadic.
  private static final MethodHandle CACHESTAT =
      bindVariadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG);
  private static final MethodHandle GETPAGESIZE = bindPlain("getpagesize", JAVA_INT);
  private static final int SC_PHYS_PAGES = 85; // glibc and musl
  private static final MethodHandle SYSCONF = bindPlain("sysconf", JAVA_LONG, JAVA_INT);

  /** How large the kernel's pages are: 4 KiB on most machines, 64 KiB on some. */
  public static final int PAGE_BYTES = pageBytes();

  /** Of no file at all: a kernel that knows the call says so, and not that it does not. */
  private static final boolean KNOWS_WHAT_IS_CACHED = cachedPages(-1, 0, 1) == -Errno.EBADF;

  private MemoryCalls() {}

  /** How much memory this machine has (sysconf(3)). */
  public static long totalBytes() {
    try {
      return (long) SYSCONF.invokeExact(SC_PHYS_PAGES) * PAGE_BYTES;
    } catch (Throwable t) {
      throw new LinkageError("sysconf", t);
    }
  }

  private static int pageBytes() {
    try {
      return (int) GETPAGESIZE.invokeExact();
    } catch (Throwable t) {
      throw new LinkageError("getpagesize", t);
    }
  }

  /**
   * Whether these bytes of a file are in the page cache, so that reading them does not wait for a
   * disk (cachestat(2), since Linux 6.5); false where the kernel cannot tell.
   */
  public static boolean isCached(Fd file, long offset, long length) {
    return KNOWS_WHAT_IS_CACHED
        && cachedPages(file.number(), offset, length)
            >= (offset + length - 1) / PAGE_BYTES - offset / PAGE_BYTES + 1;
  }

  /** Whether {@link #isCached} can answer true at all. */
  public static boolean knowsWhatIsCached() {
    return KNOWS_WHAT_IS_CACHED;
  }

  /** Minus the errno where the kernel cannot tell. */
  private static long cachedPages(int file, long offset, long length) {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment range = arena.allocateFrom(JAVA_LONG, offset, length);
      MemorySegment counts = arena.allocate(JAVA_LONG, 5); // the first is that of cached pages
      long answer =
          (long) CACHESTAT.invokeExact(state, SYS_CACHESTAT, (long) file, range, counts, 0L);
      return answer == 0 ? counts.get(JAVA_LONG, 0) : -errno(state);
    } catch (Throwable t) {
      throw new LinkageError("cachestat", t);
    }
  }

  /**
   * The memory of an unnamed file that another process made, for reading and writing, until it is
   * unreachable. Refused unless it has the given size and can never shrink (memfd_create(2), file
   * sealing), so that no access to it meets SIGBUS.
   */
  public static MemorySegment mapSealed(Fd file, long length) throws LinuxException {
    MemorySegment state = STATE.get();
    try {
      int seals = (int) FCNTL_INT.invokeExact(state, file.number(), F_GET_SEALS, 0);
      checked(seals, state, "fcntl(F_GET_SEALS)", file.toString());
      long size = (long) LSEEK.invokeExact(state, file.number(), 0L, SEEK_END);
      checked(size, state, "lseek", file.toString());
      if ((seals & F_SEAL_SHRINK) == 0 || size != length) {
        throw new LinuxException("mmap", file + " may shrink", Errno.EINVAL);
      }
      MemorySegment memory =
          (MemorySegment)
              MMAP.invokeExact(
                  state,
                  MemorySegment.NULL,
                  length,
                  PROT_READ | PROT_WRITE,
                  MAP_SHARED,
                  file.number(),
                  0L);
      checked(memory.address() == MAP_FAILED ? -1 : 0, state, "mmap", file.toString());
      return untilUnreachable(memory, length, MemoryCalls::unmap);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  private static void unmap(MemorySegment memory) {
    try {
      // munmap(2) fails for an address that is none, which this is not.
      int ignored = (int) MUNMAP.invokeExact(STATE.get(), memory, memory.byteSize());
    } catch (Throwable t) {
      throw new LinkageError("munmap", t);
    }
  }

  /** An unnamed file in memory that holds {@code content}, for a child to read. */
  public static Fd memoryFile(String name, byte[] content) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      int number = (int) MEMFD_CREATE.invokeExact(state, arena.allocateFrom(name), MFD_CLOEXEC);
      Fd fd = new Fd(checked(number, state, "memfd_create", name), name);
      try {
        writeAll(fd, arena.allocateFrom(JAVA_BYTE, content));
        return fd;
      } catch (LinuxException e) {
        fd.close();
        throw e;
      }
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  private static void writeAll(Fd fd, MemorySegment bytes) throws Throwable {
    MemorySegment state = STATE.get();
    for (long done = 0; done < bytes.byteSize(); ) {
      MemorySegment rest = bytes.asSlice(done);
      long n = (long) WRITE.invokeExact(state, fd.number(), rest, rest.byteSize());
      if (n < 0 && errno(state) == Errno.EINTR) {
        continue;
      }
      done += checked(n, state, "write", fd.toString());
    }
  }
}
