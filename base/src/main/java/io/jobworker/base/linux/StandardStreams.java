package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.checked;
import static io.jobworker.base.linux.Ffm.errno;
import static io.jobworker.base.linux.Ffm.notNow;
import static io.jobworker.base.linux.Ffm.rethrow;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.ByteBuffer;

/**
 * Writing to descriptors 1 and 2, whatever whoever started this process has made of them; Java
 * tells by words alone why a write failed, and the words are the locale's. Stateless and
 * thread-safe.
 */
public final class StandardStreams {
  private static final short POLLOUT = 4;

  private static final MethodHandle WRITE = bind("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);
  private static final MethodHandle POLL = bind("poll", JAVA_INT, ADDRESS, JAVA_LONG, JAVA_INT);

  private StandardStreams() {}

  /** Writes all that is left in the buffer, and waits while a non-blocking descriptor is full. */
  public static void write(int descriptor, ByteBuffer bytes) throws LinuxException {
    String name = descriptor == 1 ? "standard output" : "standard error";
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.max(1, bytes.remaining()));
      MemorySegment.copy(MemorySegment.ofBuffer(bytes), 0, buffer, 0, bytes.remaining());
      for (long at = 0, end = bytes.remaining(); at < end; ) {
        long n = (long) WRITE.invokeExact(state, descriptor, buffer.asSlice(at), end - at);
        long written = notNow(n, state, "write", name);
        if (written == FileCalls.WOULD_BLOCK) {
          awaitWritable(descriptor, name);
        } else {
          at += written;
          bytes.position(bytes.position() + (int) written);
        }
      }
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** Returns when there is room, or an error that a write would tell of (poll(2)). */
  private static void awaitWritable(int descriptor, String name) throws Throwable {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      // struct pollfd: int fd, short events, short revents
      MemorySegment fds = arena.allocate(8, 4);
      fds.set(JAVA_INT, 0, descriptor);
      fds.set(JAVA_SHORT, 4, POLLOUT);
      int ready = (int) POLL.invokeExact(state, fds, 1L, -1);
      if (ready < 0 && errno(state) != Errno.EINTR) {
        checked(ready, state, "poll", name);
      }
    }
  }
}
