package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.checked;
import static io.jobworker.base.linux.Ffm.notNow;
import static io.jobworker.base.linux.Ffm.rethrow;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Sockets that keep message boundaries and carry descriptors. Stateless and thread-safe. */
public final class SocketCalls {
  private static final int AF_UNIX = 1;
  private static final int SOCK_SEQPACKET = 5;
  private static final int SOCK_CLOEXEC = FileCalls.O_CLOEXEC;
  private static final int SOCK_NONBLOCK = FileCalls.O_NONBLOCK;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_ACCEPTCONN = 30;
  private static final int SO_DOMAIN = 39;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int SCM_RIGHTS = 1;
  private static final long CMSG_HEADER_BYTES = 16;
  private static final long CONTROL_BYTES = 64;

  private static final MethodHandle SOCKET = bind("socket", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle SOCKETPAIR =
      bind("socketpair", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle CONNECT =
      bind("connect", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SEND =
      bind("send", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);
  private static final MethodHandle RECVMSG =
      bind("recvmsg", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT);

  private static final MethodHandle GETSOCKOPT =
      bind("getsockopt", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS, ADDRESS);

  private SocketCalls() {}

  /** Whether a descriptor is a stream socket of IP that somebody listens at (socket(7)). */
  public static boolean isListening(int descriptor) {
    try {
      int family = option(descriptor, SO_DOMAIN);
      return option(descriptor, SO_ACCEPTCONN) == 1 && (family == AF_INET || family == AF_INET6);
    } catch (LinuxException e) {
      return false; // no socket, or no descriptor
    }
  }

  private static int option(int descriptor, int name) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_INT);
      MemorySegment length = arena.allocateFrom(JAVA_INT, Integer.BYTES);
      int answer = (int) GETSOCKOPT.invokeExact(state, descriptor, SOL_SOCKET, name, value, length);
      checked(answer, state, "getsockopt", "descriptor " + descriptor);
      return value.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

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
    try (Fd dir = FileCalls.open(directory, FileCalls.O_PATH);
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

  /** As above, of bytes; returns false, and has sent nothing, while the peer takes no more. */
  public static boolean trySend(Fd socket, MemorySegment message) throws LinuxException {
    MemorySegment state = STATE.get();
    try {
      int flags = MSG_NOSIGNAL | MSG_DONTWAIT;
      long n = (long) SEND.invokeExact(state, socket.number(), message, message.byteSize(), flags);
      return notNow(n, state, "send", socket.toString()) != FileCalls.WOULD_BLOCK;
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /**
   * Receives one message into {@code buffer}, and the descriptors that came with it, which are the
   * caller's to close, into {@code fds}.
   *
   * @return its length; 0 when the peer has gone; {@link FileCalls#WOULD_BLOCK} when none is
   *     waiting
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
}
