package io.jobworker.base.linux;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One platform thread that waits in epoll_wait(2) for all its descriptors together, and sleeps when
 * none has anything to say. Level-triggered, and each ready descriptor gets one call per round, so
 * that a busy one cannot starve the others.
 *
 * <p>Handlers and tasks run on the loop's thread, one at a time; they must not block. What they
 * throw is logged and harms nobody else. {@link #execute} may be called from any thread; {@link
 * #register} and what it returns only from the loop's own.
 */
public final class EventLoop implements Executor, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EventLoop.class);
  private static final int MAX_EVENTS = 256;
  private static final long WAKE_UP = 0;

  // epoll_ctl(2): struct epoll_event is packed on x86-64 only.
  private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");
  private static final long EVENT_BYTES = PACKED ? 12 : 16;
  private static final long DATA_OFFSET = PACKED ? 4 : 8;

  /** What to do when a descriptor is readable, or its other end has gone. */
  @FunctionalInterface
  public interface Handler {
    void ready() throws Exception;
  }

  private final Fd epoll;
  private final Fd wakeUp;
  private final Thread thread;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final AtomicBoolean woken = new AtomicBoolean();
  private volatile boolean closed;

  /** Guards {@link #wakeUp} against being closed under whoever notifies it. */
  private final ReentrantLock wakeUpLock = new ReentrantLock();

  /** Confined to the loop's thread. Keys are never reused, so a stale event finds nothing. */
  private final Map<Long, Registration> registrations = new HashMap<>();

  private long lastKey = WAKE_UP;

  private final MemorySegment one = Arena.ofAuto().allocateFrom(JAVA_LONG, 1L);
  private final MemorySegment event = Arena.ofAuto().allocate(EVENT_BYTES, 8);

  private EventLoop(String name) throws LinuxException {
    epoll = EpollCalls.epollCreate();
    wakeUp = EpollCalls.eventFd();
    control(EpollCalls.EPOLL_CTL_ADD, wakeUp, WAKE_UP, EpollCalls.EPOLLIN);
    thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
  }

  /** Starts a loop. The caller closes it. */
  public static EventLoop start(String name) throws LinuxException {
    EventLoop loop = new EventLoop(name);
    loop.thread.start();
    return loop;
  }

  /** Runs {@code task} on the loop's thread, after what was given before. */
  @Override
  public void execute(Runnable task) {
    if (closed) {
      throw new RejectedExecutionException(thread.getName() + " is closed");
    }
    tasks.add(task);
    if (woken.compareAndSet(false, true)) {
      wakeUpLock.lock();
      try {
        if (wakeUp.isOpen()) { // the loop may have seen the task without it, and ended by it
          EpollCalls.notifyEventFd(wakeUp, one);
        }
      } finally {
        wakeUpLock.unlock();
      }
    }
  }

  /** A descriptor's place in the loop. The descriptor itself stays its owner's. */
  public final class Registration {
    private final Fd fd;
    private final long key;
    private final Handler handler;

    private Registration(Fd fd, long key, Handler handler) {
      this.fd = fd;
      this.key = key;
      this.handler = handler;
    }

    /** Stops watching. To be called before the descriptor is closed. Idempotent. */
    public void cancel() {
      if (registrations.remove(key) != null && fd.isOpen()) {
        try {
          EpollCalls.epollControl(epoll, EpollCalls.EPOLL_CTL_DEL, fd.number(), event);
        } catch (LinuxException e) {
          LOG.atWarn().addKeyValue("fd", fd).setCause(e).log("epoll.cancel_failed");
        }
      }
    }
  }

  /** Calls {@code handler} in every round in which {@code fd} is readable or hung up. */
  public Registration register(Fd fd, Handler handler) throws LinuxException {
    return register(fd, EpollCalls.EPOLLIN, handler);
  }

  /**
   * Calls {@code handler} each time that something is written to {@code eventFd}, which nobody need
   * read (epoll(7), edge-triggered).
   */
  public Registration registerForWrites(Fd eventFd, Handler handler) throws LinuxException {
    return register(eventFd, EpollCalls.EPOLLIN | EpollCalls.EPOLLET, handler);
  }

  /** Calls {@code handler} when the kernel says that a file of its own has changed (cgroups(7)). */
  public Registration registerForChanges(Fd fd, Handler handler) throws LinuxException {
    return register(fd, EpollCalls.EPOLLPRI, handler);
  }

  private Registration register(Fd fd, int events, Handler handler) throws LinuxException {
    long key = ++lastKey;
    control(EpollCalls.EPOLL_CTL_ADD, fd, key, events);
    Registration registration = new Registration(fd, key, handler);
    registrations.put(key, registration);
    return registration;
  }

  private void control(int operation, Fd fd, long key, int events) throws LinuxException {
    event.set(JAVA_INT_UNALIGNED, 0, events);
    event.set(JAVA_LONG_UNALIGNED, DATA_OFFSET, key);
    EpollCalls.epollControl(epoll, operation, fd.number(), event);
  }

  private void run() {
    MemorySegment events = Arena.ofAuto().allocate(EVENT_BYTES * MAX_EVENTS, 8);
    MemorySegment counter = Arena.ofAuto().allocate(JAVA_LONG);
    try {
      while (!closed) {
        int count = EpollCalls.epollWait(epoll, events, MAX_EVENTS);
        for (int i = 0; i < count; i++) {
          long key = events.get(JAVA_LONG_UNALIGNED, i * EVENT_BYTES + DATA_OFFSET);
          if (key == WAKE_UP) {
            FileCalls.read(wakeUp, counter);
          } else {
            dispatch(key);
          }
        }
        runTasks();
      }
    } catch (LinuxException e) {
      LOG.atError().addKeyValue("loop", thread.getName()).setCause(e).log("event_loop.died");
    } finally {
      runTasks();
      wakeUpLock.lock();
      try {
        wakeUp.close();
      } finally {
        wakeUpLock.unlock();
      }
      epoll.close();
    }
  }

  private void dispatch(long key) {
    Registration registration = registrations.get(key);
    if (registration == null) {
      return;
    }
    try {
      registration.handler.ready();
    } catch (Exception | LinkageError | AssertionError e) {
      registration.cancel(); // level-triggered: it would come back at once, for ever
      LOG.atError()
          .addKeyValue("loop", thread.getName())
          .setCause(e)
          .log("event_loop.handler_failed");
    }
  }

  private void runTasks() {
    woken.set(false); // before the first poll: a task that comes later wakes us again
    for (Runnable task; (task = tasks.poll()) != null; ) {
      try {
        task.run();
      } catch (RuntimeException | LinkageError | AssertionError e) {
        LOG.atError()
            .addKeyValue("loop", thread.getName())
            .setCause(e)
            .log("event_loop.task_failed");
      }
    }
  }

  /** Ends the loop after the tasks given so far. Waits for it, unless called on the loop itself. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    execute(() -> closed = true);
    if (Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
