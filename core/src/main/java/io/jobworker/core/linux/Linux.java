package io.jobworker.core.linux;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/**
 * The system calls that Java has no words for, bound through the Foreign Function and Memory API.
 * Every call either succeeds or throws {@link LinuxException}; where "not now" is an ordinary
 * answer, the method says so. Stateless and thread-safe.
 *
 * <p>Calls here are short: what may block does so in {@code epoll_wait} on the event loops' own
 * platform threads, never on a carrier of virtual threads.
 */
@SuppressWarnings("restricted") // the one class that is allowed to
public final class Linux {
  // open(2), asm-generic values; O_DIRECTORY differs between architectures and is not used.
  public static final int O_RDONLY = 0;
  public static final int O_RDWR = 2;
  public static final int O_CREAT = 0100;
  public static final int O_NONBLOCK = 04000;
  public static final int O_CLOEXEC = 02000000;
  static final int O_PATH = 010000000;

  /** What {@link #read} and {@link #receive} return when there is nothing to be had right now. */
  public static final int WOULD_BLOCK = -1;

  static final int EPOLLIN = 0x001;
  static final int EPOLLPRI = 0x002;
  static final int EPOLL_CTL_ADD = 1;
  static final int EPOLL_CTL_DEL = 2;
  static final int EPOLLET = 1 << 31;
  private static final int EPOLL_CLOEXEC = O_CLOEXEC;

  private static final int EFD_CLOEXEC = O_CLOEXEC;
  private static final int EFD_NONBLOCK = O_NONBLOCK;
  private static final int MFD_CLOEXEC = 1;
  private static final int PROT_READ = 1;
  private static final int PROT_WRITE = 2;
  private static final int F_GET_SEALS = 1034;
  private static final int F_SEAL_SHRINK = 2;
  private static final int SEEK_END = 2;
  private static final int MAP_SHARED = 1;
  private static final long MAP_FAILED = -1;
  private static final int AF_UNIX = 1;
  private static final int SOCK_SEQPACKET = 5;
  private static final int SOCK_CLOEXEC = O_CLOEXEC;
  private static final int SOCK_NONBLOCK = O_NONBLOCK;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int SOL_SOCKET = 1;
  private static final int SCM_RIGHTS = 1;
  private static final long CMSG_HEADER_BYTES = 16;
  private static final long CONTROL_BYTES = 64;
  private static final int WNOHANG = 1;
  private static final int F_GETLK = 5;
  private static final long SYS_CACHESTAT = 451; // the same on every architecture
  private static final short F_WRLCK = 1;
  private static final short F_UNLCK = 2;

  /**
   * Larger than glibc's and musl's posix_spawn_file_actions_t (80 bytes) and posix_spawnattr_t
   * (336).
   */
  private static final long SPAWN_STRUCT_BYTES = 1024;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final SymbolLookup LIBC = LINKER.defaultLookup();
  private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
  private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO_VALUE =
      CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));

  /** Virtual threads get one too; it goes with them. */
  private static final ThreadLocal<MemorySegment> STATE =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(CALL_STATE));

  private static final MethodHandle CLOSE = bind("close", JAVA_INT, JAVA_INT);
  // open(2) is variadic: its third argument is passed as such.
  private static final MethodHandle OPEN =
      bindVariadic("open", 2, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle READ = bind("read", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle PREAD =
      bind("pread", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);

  /** Straight into an array, during which the garbage collector waits: for what cannot block. */
  private static final MethodHandle PREAD_INTO_ARRAY =
      LINKER.downcallHandle(
          LIBC.findOrThrow("pread"),
          FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG),
          Linker.Option.critical(true));

  private static final MethodHandle WRITE = bind("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle EPOLL_CREATE1 = bind("epoll_create1", JAVA_INT, JAVA_INT);
  private static final MethodHandle EPOLL_CTL =
      bind("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle EPOLL_WAIT =
      bind("epoll_wait", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle EVENTFD = bind("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle MEMFD_CREATE =
      bind("memfd_create", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle MMAP =
      bind("mmap", ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG);
  private static final MethodHandle MUNMAP = bind("munmap", JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle SOCKET = bind("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle SOCKETPAIR =
      bind("socketpair", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle CONNECT =
      bind("connect", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SEND =
      bind("send", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
  private static final MethodHandle RECVMSG =
      bind("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);
  // fcntl(2) is variadic too; on aarch64 macOS that would matter, on Linux it costs nothing to be
  // right.
  private static final MethodHandle FCNTL =
      bindVariadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle FCNTL_INT =
      bindVariadic("fcntl", 2, JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle LSEEK = bind("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
  private static final MethodHandle WAITPID =
      bind("waitpid", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final int PRIO_PROCESS = 0; // sys/resource.h
  private static final MethodHandle GETEUID = bind("geteuid", JAVA_INT);
  private static final MethodHandle SETPRIORITY =
      bind("setpriority", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  // syscall(2), for what glibc has no wrapper for; it is variadic.
  private static final MethodHandle CACHESTAT =
      bindVariadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS, ADDRESS, JAVA_LONG);
  private static final MethodHandle POSIX_SPAWN =
      bind("posix_spawn", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle ACTIONS_INIT =
      bind("posix_spawn_file_actions_init", JAVA_INT, ADDRESS);
  private static final MethodHandle ACTIONS_ADDDUP2 =
      bind("posix_spawn_file_actions_adddup2", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle ACTIONS_DESTROY =
      bind("posix_spawn_file_actions_destroy", JAVA_INT, ADDRESS);
  private static final MethodHandle GETPAGESIZE = bindPlain("getpagesize", JAVA_INT);
  private static final MethodHandle STRERROR = bindPlain("strerror", ADDRESS, JAVA_INT);
  private static final MethodHandle STRERRORNAME = bindPlain("strerrorname_np", ADDRESS, JAVA_INT);

  /** How large the kernel's pages are: 4 KiB on most machines, 64 KiB on some. */
  public static final int PAGE_BYTES = pageBytes();

  /** Of no file at all: a kernel that knows the call says so, and not that it does not. */
  private static final boolean KNOWS_WHAT_IS_CACHED = cachedPages(-1, 0, 1) == -Errno.EBADF;

  private Linux() {}

  private static int pageBytes() {
    try {
      return (int) GETPAGESIZE.invokeExact();
    } catch (Throwable t) {
      throw new LinkageError("getpagesize", t);
    }
  }

  // --- files and pipes

  /** open(2); the descriptor is close-on-exec always. */
  public static Fd open(Path path, int flags) throws LinuxException {
    return open(path.toString(), flags);
  }

  private static Fd open(String path, int flags) throws LinuxException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = STATE.get();
      int fd = (int) OPEN.invokeExact(state, arena.allocateFrom(path), flags | O_CLOEXEC, 0600);
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
   * which {@link #isCached} has just said that they are in memory. No thread of this process gets
   * past its next safepoint meanwhile: for whatever may have to wait there is {@link #pread}.
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

  /** A small file of the kernel's, from its start (pread(2)). */
  public static String readText(Fd fd) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(4096);
      long n = (long) PREAD.invokeExact(state, fd.number(), buffer, buffer.byteSize(), 0L);
      int length = (int) checked(n, state, "pread", fd.toString());
      return new String(buffer.asSlice(0, length).toArray(JAVA_BYTE), StandardCharsets.UTF_8);
    } catch (Throwable t) {
      throw rethrow(t);
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
      return memory.reinterpret(length, Arena.ofAuto(), Linux::unmap);
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

  // --- sockets

  /** A pair of connected, non-blocking sockets that keep message boundaries (unix(7)). */
  public static List<Fd> packetSocketPair() throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pair = arena.allocate(JAVA_INT, 2);
      int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
      int answer = (int) SOCKETPAIR.invokeExact(state, AF_UNIX, type, 0, pair);
      checked(answer, state, "socketpair", "AF_UNIX");
      return List.of(
          new Fd(pair.getAtIndex(JAVA_INT, 0), "control socket"),
          new Fd(pair.getAtIndex(JAVA_INT, 1), "launcher's control socket"));
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Connects to the packet socket {@code name} in {@code directory}. The path is given to the
   * kernel by way of a descriptor, because unix(7) allows an address only 108 bytes.
   */
  public static Fd connectPacketSocket(Path directory, String name) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Fd dir = open(directory, O_PATH);
        Arena arena = Arena.ofConfined()) {
      byte[] path = ("/proc/self/fd/" + dir.number() + "/" + name).getBytes(StandardCharsets.UTF_8);
      int type = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
      int number = (int) SOCKET.invokeExact(state, AF_UNIX, type, 0);
      Fd socket = new Fd(checked(number, state, "socket", "AF_UNIX"), "control socket");
      try {
        MemorySegment address = arena.allocate(110, 2); // struct sockaddr_un
        address.set(JAVA_SHORT, 0, (short) AF_UNIX);
        MemorySegment.copy(path, 0, address, JAVA_BYTE, 2, path.length);
        int answer = (int) CONNECT.invokeExact(state, socket.number(), address, 110);
        checked(answer, state, "connect", directory.resolve(name).toString());
        return socket;
      } catch (LinuxException e) {
        socket.close();
        throw e;
      }
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Sends one message; the peer's having gone is EPIPE or ECONNRESET, never a signal. */
  public static void send(Fd socket, String message) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom(message);
      long length = text.byteSize() - 1; // without the NUL
      long n = (long) SEND.invokeExact(state, socket.number(), text, length, MSG_NOSIGNAL);
      checked(n, state, "send", socket.toString());
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Receives one message into {@code buffer}, and the descriptors that came with it, which are the
   * caller's to close, into {@code fds}.
   *
   * @return its length; 0 when the peer has gone; {@link #WOULD_BLOCK} when none is waiting
   */
  public static int receive(Fd socket, MemorySegment buffer, List<Fd> fds) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      // recvmsg(2), 64-bit: struct iovec {base, len}; struct msghdr {name, namelen, iov, iovlen,
      // control, controllen, flags}; struct cmsghdr {long len, int level, int type}, data.
      MemorySegment vector = arena.allocate(16, 8);
      vector.set(ADDRESS, 0, buffer);
      vector.set(JAVA_LONG, 8, buffer.byteSize());
      MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
      MemorySegment message = arena.allocate(56, 8);
      message.set(ADDRESS, 16, vector);
      message.set(JAVA_LONG, 24, 1);
      message.set(ADDRESS, 32, control);
      message.set(JAVA_LONG, 40, CONTROL_BYTES);
      long n =
          (long)
              RECVMSG.invokeExact(state, socket.number(), message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      int length = (int) notNow(n, state, "recvmsg", socket.toString());
      long controlLength = length < 0 ? 0 : message.get(JAVA_LONG, 40);
      for (long at = 0; at + CMSG_HEADER_BYTES <= controlLength; ) {
        long entry = control.get(JAVA_LONG, at);
        if (entry < CMSG_HEADER_BYTES || at + entry > controlLength) {
          break;
        }
        if (control.get(JAVA_INT, at + 8) == SOL_SOCKET
            && control.get(JAVA_INT, at + 12) == SCM_RIGHTS) {
          for (long fd = at + CMSG_HEADER_BYTES; fd + 4 <= at + entry; fd += 4) {
            fds.add(new Fd(control.get(JAVA_INT, fd), "launcher's descriptor"));
          }
        }
        at += (entry + 7) & ~7L;
      }
      return length;
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  // --- processes

  /**
   * Starts {@code program} with an empty environment and the given descriptors as its 3, 4 and so
   * on. All other descriptors of ours are close-on-exec.
   *
   * @return the child's PID, which stays valid until {@link #reap}
   */
  public static int spawn(Path program, String argv0, List<Fd> inherited) throws LinuxException {
    return spawn(program, argv0, List.of(), inherited);
  }

  /** Likewise, with arguments. */
  public static int spawn(Path program, String argv0, List<String> arguments, List<Fd> inherited)
      throws LinuxException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment actions = arena.allocate(SPAWN_STRUCT_BYTES, 16);
      spawnChecked((int) ACTIONS_INIT.invokeExact(STATE.get(), actions), program);
      try {
        for (int i = 0; i < inherited.size(); i++) {
          int from = inherited.get(i).number();
          // POSIX: dup2 clears close-on-exec also when both numbers are equal (glibc since 2.29).
          spawnChecked(
              (int) ACTIONS_ADDDUP2.invokeExact(STATE.get(), actions, from, 3 + i), program);
        }
        MemorySegment argv = arena.allocate(ADDRESS, arguments.size() + 2L); // ended by NULL
        argv.setAtIndex(ADDRESS, 0, arena.allocateFrom(argv0));
        for (int i = 0; i < arguments.size(); i++) {
          argv.setAtIndex(ADDRESS, i + 1L, arena.allocateFrom(arguments.get(i)));
        }
        MemorySegment environment = arena.allocate(ADDRESS, 1);
        MemorySegment pid = arena.allocate(JAVA_INT);
        MemorySegment path = arena.allocateFrom(program.toString());
        spawnChecked(
            (int)
                POSIX_SPAWN.invokeExact(
                    STATE.get(), pid, path, actions, MemorySegment.NULL, argv, environment),
            program);
        return pid.get(JAVA_INT, 0);
      } finally {
        int ignored = (int) ACTIONS_DESTROY.invokeExact(STATE.get(), actions);
      }
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** posix_spawn(3) and its kin return the error number instead of setting errno. */
  private static void spawnChecked(int error, Path program) throws LinuxException {
    if (error != 0) {
      throw new LinuxException("posix_spawn", program.toString(), error);
    }
  }

  /**
   * Reaps a child if it has ended. Answers whether there is nothing left to reap under this PID.
   */
  public static boolean reapIfEnded(int pid) {
    try {
      return (int) WAITPID.invokeExact(STATE.get(), pid, MemorySegment.NULL, WNOHANG) != 0;
    } catch (Throwable t) {
      throw new LinkageError("waitpid", t);
    }
  }

  /**
   * Waits for a child's end and reaps it. A PID that is no child of ours is left alone.
   *
   * @return its wait status (wait(2)); 0 if it was no child of ours
   */
  @CanIgnoreReturnValue
  public static int reap(int pid) {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(JAVA_INT);
      int answer;
      do {
        answer = (int) WAITPID.invokeExact(state, pid, status, 0);
      } while (answer < 0 && errno(state) == Errno.EINTR);
      return status.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw new LinkageError("waitpid", t);
    }
  }

  /** Whether this process may do what only root may. */
  public static boolean isRoot() {
    try {
      return (int) GETEUID.invokeExact(STATE.get()) == 0;
    } catch (Throwable t) {
      throw new LinkageError("geteuid", t);
    }
  }

  /**
   * Lets the calling thread, which must be a platform thread, give way to others: the larger {@code
   * nice}, the more. Threads have values of their own (setpriority(2), NOTES).
   *
   * @return whether the kernel did so
   */
  public static boolean giveWay(int nice) {
    try {
      return (int) SETPRIORITY.invokeExact(STATE.get(), PRIO_PROCESS, 0, nice) == 0;
    } catch (Throwable t) {
      throw new LinkageError("setpriority", t);
    }
  }

  // --- epoll

  static Fd epollCreate() throws LinuxException {
    MemorySegment state = STATE.get();
    try {
      int fd = (int) EPOLL_CREATE1.invokeExact(state, EPOLL_CLOEXEC);
      return new Fd(checked(fd, state, "epoll_create1", ""), "epoll");
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static void epollControl(Fd epoll, int operation, int fd, MemorySegment event)
      throws LinuxException {
    MemorySegment state = STATE.get();
    try {
      int answer = (int) EPOLL_CTL.invokeExact(state, epoll.number(), operation, fd, event);
      checked(answer, state, "epoll_ctl", "");
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Blocks without limit; an interrupted wait answers 0. */
  static int epollWait(Fd epoll, MemorySegment events, int maxEvents) throws LinuxException {
    MemorySegment state = STATE.get();
    try {
      int n = (int) EPOLL_WAIT.invokeExact(state, epoll.number(), events, maxEvents, -1);
      if (n < 0 && errno(state) == Errno.EINTR) {
        return 0;
      }
      return checked(n, state, "epoll_wait", "");
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  static Fd eventFd() throws LinuxException {
    MemorySegment state = STATE.get();
    try {
      int fd = (int) EVENTFD.invokeExact(state, 0, EFD_CLOEXEC | EFD_NONBLOCK);
      return new Fd(checked(fd, state, "eventfd", ""), "eventfd");
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Adds one to an eventfd(2); that its counter is full already is as good. */
  static void notifyEventFd(Fd eventFd, MemorySegment one) {
    try {
      long ignored = (long) WRITE.invokeExact(STATE.get(), eventFd.number(), one, 8L);
    } catch (Throwable t) {
      throw new LinkageError("write", t);
    }
  }

  // --- plumbing

  static String strerror(int errno) {
    try {
      return text((MemorySegment) STRERROR.invokeExact(errno));
    } catch (Throwable t) {
      throw new LinkageError("strerror", t);
    }
  }

  static String strerrorname(int errno) {
    try {
      MemorySegment name = (MemorySegment) STRERRORNAME.invokeExact(errno);
      return name.address() == 0 ? "errno " + errno : text(name);
    } catch (Throwable t) {
      throw new LinkageError("strerrorname_np", t);
    }
  }

  private static String text(MemorySegment unbounded) {
    return unbounded.reinterpret(256).getString(0);
  }

  private static MethodHandle bind(String name, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LIBC.findOrThrow(name), FunctionDescriptor.of(result, arguments), ERRNO);
  }

  private static MethodHandle bindPlain(
      String name, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(LIBC.findOrThrow(name), FunctionDescriptor.of(result, arguments));
  }

  private static MethodHandle bindVariadic(
      String name, int fixed, MemoryLayout result, MemoryLayout... arguments) {
    return LINKER.downcallHandle(
        LIBC.findOrThrow(name),
        FunctionDescriptor.of(result, arguments),
        ERRNO,
        Linker.Option.firstVariadicArg(fixed));
  }

  private static int errno(MemorySegment state) {
    return (int) ERRNO_VALUE.get(state, 0L);
  }

  private static int checked(int result, MemorySegment state, String call, String subject)
      throws LinuxException {
    return (int) checked((long) result, state, call, subject);
  }

  private static long checked(long result, MemorySegment state, String call, String subject)
      throws LinuxException {
    if (result < 0) {
      throw new LinuxException(call, subject, errno(state));
    }
    return result;
  }

  private static long notNow(long result, MemorySegment state, String call, String subject)
      throws LinuxException {
    if (result < 0) {
      int errno = errno(state);
      if (errno == Errno.EAGAIN || errno == Errno.EINTR) {
        return WOULD_BLOCK;
      }
    }
    return checked(result, state, call, subject);
  }

  private static LinuxException rethrow(Throwable t) {
    return switch (t) {
      case LinuxException e -> e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new LinkageError("native call", t);
    };
  }
}
