package io.jobworker.core.output;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far a log has got, and who waits for it to get further. One thread finishes it; any number
 * look, wait and wake. Nobody who waits is forgotten: a waiter registers and says so in the page,
 * then looks at the end; the writer publishes the end, then looks into the page.
 */
final class LogEnd {
  private static final Logger LOG = LoggerFactory.getLogger(LogEnd.class);

  /** What there is for a reader. */
  enum State {
    MORE,
    CAUGHT_UP,
    END
  }

  private volatile LogPage page;
  private volatile boolean finished;
  private final Set<Runnable> waiting = ConcurrentHashMap.newKeySet(); // by their identity

  LogEnd(LogPage page) {
    this.page = page;
  }

  LogPage page() {
    return page;
  }

  /** What there is at {@code offset}. */
  State at(long offset) {
    boolean wasFinished = finished; // before the end: what comes in between is not missed
    if (offset < page.end()) {
      return State.MORE;
    }
    return wasFinished ? State.END : State.CAUGHT_UP;
  }

  /** There will be no more than what {@code last} says. Idempotent. */
  void finish(LogPage last) {
    page = last;
    finished = true;
    wakeAll();
  }

  /**
   * Wakes {@code waiter} once when there is something other than caught up at {@code offset}, at
   * once if there is already; on the thread that wakes, or on the caller's.
   */
  void await(Runnable waiter, long offset) {
    waiting.add(waiter);
    page.wantWakeUp();
    if (at(offset) != State.CAUGHT_UP && waiting.remove(waiter)) {
      waiter.run();
    }
  }

  /** Not to be woken any more; it may be, if it is being woken already. */
  void forget(Runnable waiter) {
    waiting.remove(waiter);
  }

  /** The writer says that the end has moved. */
  void wakeAll() {
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
