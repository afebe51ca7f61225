package io.jobworker.core;

import io.jobworker.base.linux.DescriptorReserve;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/** Does what must be done in the end, as often as it takes. Thread-safe. */
final class Insistence {
  private static final Logger LOG = LoggerFactory.getLogger(Insistence.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);

  private final InFlight inFlight;
  private final Executor workers;
  private final DescriptorReserve reserve;
  private final LongAdder pending;

  /** Taken before anything else that others may want as well. */
  private final Semaphore turns;

  /** What is to be done. May be repeated. */
  @FunctionalInterface
  interface Action {
    void run() throws Exception;
  }

  /**
   * {@code workers} may block; those that wait for another attempt are interrupted at the end.
   *
   * @param reserve for further attempts; the first may have failed for want of descriptors
   */
  Insistence(InFlight inFlight, Executor workers, DescriptorReserve reserve) {
    this(inFlight, workers, reserve, new LongAdder(), Integer.MAX_VALUE);
  }

  private Insistence(
      InFlight inFlight,
      Executor workers,
      DescriptorReserve reserve,
      LongAdder pending,
      int attempts) {
    this.inFlight = inFlight;
    this.workers = workers;
    this.reserve = reserve;
    this.pending = pending;
    this.turns = new Semaphore(attempts);
  }

  /** The same, by which no more than so many attempts are made at once. */
  Insistence atMost(int attempts) {
    return new Insistence(inFlight, workers, reserve, pending, attempts);
  }

  /**
   * Does something at once or, if that fails, again and again with pauses on another thread, until
   * it succeeds, or until this process is closing and leaves it to the next. The first failure is
   * logged as {@code event}.
   */
  void insist(String event, Object about, Action action) {
    if (!isDone(action, event, about, Level.ERROR)) {
      goOn(event, about, action);
    }
  }

  /** The same for what was tried at once already, and has failed. */
  void insistAfter(Exception failure, String event, Object about, Action action) {
    LOG.atError().addKeyValue("about", about).setCause(failure).log(event);
    goOn(event, about, action);
  }

  private void goOn(String event, Object about, Action action) {
    pending.increment();
    workers.execute(() -> {
      try {
        insistInBackground(event, about, action);
      } finally {
        pending.decrement();
      }
    });
  }

  /** How many things there are that could not be done at once, and are not done yet. */
  long pending() {
    return pending.sum();
  }

  private void insistInBackground(String event, Object about, Action action) {
    Duration pause = FIRST_PAUSE;
    do {
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      Duration twice = pause.multipliedBy(2);
      pause = twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
    } while (!isDone(() -> reserve.lend(action::run), event, about, Level.DEBUG));
    LOG.atInfo().addKeyValue("about", about).log(event + ".done_after_all");
  }

  private boolean isDone(Action action, String event, Object about, Level ifNot) {
    try {
      if (!turns.tryAcquire()) { // which an interrupted thread may do
        turns.acquire();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true; // closing
    }
    try (InFlight.Flight _ = inFlight.beginEvenIfClosing()) {
      if (!inFlight.isClosing()) {
        action.run();
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true; // closing
    } catch (Exception e) {
      LOG.atLevel(ifNot).addKeyValue("about", about).setCause(e).log(event);
      return false;
    } finally {
      turns.release();
    }
  }
}
