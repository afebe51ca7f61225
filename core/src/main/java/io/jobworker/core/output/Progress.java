package io.jobworker.core.output;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a log has got, and who waits for it to get further. One thread advances and finishes; any
 * number look and wait. Nobody who waits is forgotten: the writer publishes, then looks for
 * waiters; a waiter registers, then looks at what is published.
 */
final class Progress {
  private static final Logger LOG = LoggerFactory.getLogger(Progress.class);

  /** What there is for a reader. */
  enum State {
    MORE,
    CAUGHT_UP,
    END
  }

  private volatile long end;
  private volatile boolean finished;
  private final Set<Runnable> waiting = ConcurrentHashMap.newKeySet(); // by their identity

  Progress(long end) {
    this.end = end;
  }

  /** The offset after the last byte. */
  long end() {
    return end;
  }

  /** What there is at {@code offset}. */
  State at(long offset) {
    boolean wasFinished = finished; // before the end: what comes in between is not missed
    if (offset < end) {
      return State.MORE;
    }
    return wasFinished ? State.END : State.CAUGHT_UP;
  }

  /** There is more, up to {@code newEnd}, and it can be read. */
  void advance(long newEnd) {
    end = newEnd;
    wakeAll();
  }

  /** There will be no more. Idempotent. */
  void finish() {
    finished = true;
    wakeAll();
  }

  /**
   * Wakes {@code waiter} once when there is something other than caught up at {@code offset}, at
   * once if there is already; on the writer's thread, or on the caller's.
   */
  void await(Runnable waiter, long offset) {
    waiting.add(waiter);
    if (at(offset) != State.CAUGHT_UP && waiting.remove(waiter)) {
      waiter.run();
    }
  }

  /** Not to be woken any more; it may be, if it is being woken already. */
  void forget(Runnable waiter) {
    waiting.remove(waiter);
  }

  private void wakeAll() {
    for (Runnable waiter : waiting.toArray(Runnable[]::new)) {
      if (waiting.remove(waiter)) {
        try {
          waiter.run();
        } catch (RuntimeException e) {
          LOG.atError().setCause(e).log("output.wake_failed");
        }
      }
    }
  }
}
