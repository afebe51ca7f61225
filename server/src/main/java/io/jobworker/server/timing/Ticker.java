package io.jobworker.server.timing;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has some work done again and again, from {@link #start} until it is stopped.
 *
 * <ul>
 *   <li>The timer's thread only ticks; the work runs on another, where it may block.
 *   <li>The work runs once at a time. A tick that finds it still running is skipped, not queued.
 *   <li>What the work throws is logged, and the next tick calls it again.
 * </ul>
 *
 * <p>Thread-safe.
 */
public final class Ticker implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Ticker.class);

  /** How long closing waits for work that is running: it may wait for a disk that has gone. */
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);

  private final String name;
  private final Duration closePatience;
  private final Executor workers;
  private final Runnable work;

  /** Held by the tick whose work is running: taken on the timer's thread, given back by another. */
  private final Semaphore idle = new Semaphore(1);

  private volatile boolean stopped;
  private volatile @Nullable ScheduledFuture<?> ticks;

  /**
   * One that does not tick yet.
   *
   * @param name for the log
   * @param workers where the work runs
   */
  public Ticker(String name, Executor workers, Runnable work) {
    this(name, workers, work, CLOSE_PATIENCE);
  }

  Ticker(String name, Executor workers, Runnable work, Duration closePatience) {
    this.name = name;
    this.workers = workers;
    this.work = work;
    this.closePatience = closePatience;
  }

  /** Ticks at once, and then at each {@code interval}. To be called once. */
  public void start(ScheduledExecutorService timer, Duration interval) {
    ScheduledFuture<?> started =
        timer.scheduleAtFixedRate(this::tick, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
    ticks = started;
    if (stopped) { // by the first tick, before there was anything to cancel
      started.cancel(false);
    }
  }

  /** On the timer's thread. */
  void tick() {
    if (stopped || !idle.tryAcquire()) {
      return;
    }
    try {
      workers.execute(this::work);
    } catch (RejectedExecutionException e) {
      idle.release(); // the server is going
    }
  }

  private void work() {
    try {
      if (!stopped) {
        work.run();
      }
    } catch (RuntimeException e) {
      LOG.atError().addKeyValue("ticker", name).setCause(e).log("ticker.work_failed");
    } finally {
      idle.release();
    }
  }

  /** Begins no more work. Returns at once, and may be called by the work itself. Idempotent. */
  public void stop() {
    stopped = true;
    ScheduledFuture<?> running = ticks;
    if (running != null) {
      running.cancel(false);
    }
  }

  /**
   * Stops, and returns when no work is running, or after a while all the same: what keeps the work
   * must not keep the server from ending. Not to be called by the work. Idempotent.
   */
  @Override
  public void close() {
    stop();
    try {
      if (idle.tryAcquire(closePatience.toMillis(), TimeUnit.MILLISECONDS)) {
        idle.release();
      } else {
        LOG.atWarn().addKeyValue("ticker", name).log("ticker.work_not_ended");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
