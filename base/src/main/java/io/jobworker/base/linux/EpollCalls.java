package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.checked;
import static io.jobworker.base.linux.Ffm.errno;
import static io.jobworker.base.linux.Ffm.rethrow;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** What an {@link EventLoop} is made of. Stateless and thread-safe. */
final class EpollCalls {
  static final int EPOLLIN = 0x001;
  static final int EPOLLPRI = 0x002;
  static final int EPOLL_CTL_ADD = 1;
  static final int EPOLL_CTL_DEL = 2;
  static final int EPOLLET = 1 << 31;
  private static final int EPOLL_CLOEXEC = FileCalls.O_CLOEXEC;
  private static final int EFD_CLOEXEC = FileCalls.O_CLOEXEC;
  private static final int EFD_NONBLOCK = FileCalls.O_NONBLOCK;

  private static final MethodHandle EPOLL_CREATE1 = bind("epoll_create1", JAVA_INT, JAVA_INT);
  private static final MethodHandle EPOLL_CTL =
      bind("epoll_ctl", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle EPOLL_WAIT =
      bind("epoll_wait", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
  private static final MethodHandle EVENTFD = bind("eventfd", JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle WRITE = bind("write", JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);

  private EpollCalls() {}

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
}
