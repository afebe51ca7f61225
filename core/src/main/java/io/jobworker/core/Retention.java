package io.jobworker.core;

import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.Removal;
import io.jobworker.core.job.Requester;
import io.jobworker.core.output.Budget;
import io.jobworker.core.store.ChangeStore;
import io.jobworker.core.store.HistoryStore;
import io.jobworker.core.store.HistoryStore.Ended;
import io.jobworker.core.store.JobStore;
import io.jobworker.core.store.ServiceTime;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps what is kept of ended jobs within bounds: how old, how many of one owner and what they were
 * started as, how much output in all. One thread, which sleeps until there is something to do, and
 * does it a few jobs at a time, so that nobody waits long for the database.
 */
final class Retention implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Retention.class);

  /** How many jobs are forgotten before others get at the database again. */
  private static final int BATCH = 100;

  /** How often the service's time is kept. */
  private static final Duration LONGEST_SLEEP = Duration.ofHours(1);

  private static final Duration ROUND_INTERVAL = Duration.ofMillis(100);
  private static final Duration PAUSE_AFTER_FAILURE = Duration.ofSeconds(30);

  private final JobsConfig.History bounds;
  private final JobStore store;
  private final HistoryStore history;
  private final ChangeStore changes;
  private final StateDirectory state;
  private final Discarding discarding;
  private final ServiceTime time;
  private final JobEvents events;
  private final Budget budget;
  private final Admission admission;
  private final Semaphore work = new Semaphore(0);
  private final Set<String> ownersOfNewEnds = ConcurrentHashMap.newKeySet();
  private final Thread thread = Thread.ofVirtual().name("retention").unstarted(this::run);
  private volatile boolean closed;

  Retention(
      JobsConfig config,
      JobStore store,
      ServiceTime time,
      HistoryStore history,
      ChangeStore changes,
      StateDirectory state,
      Discarding discarding,
      JobEvents events) {
    this.bounds = config.history();
    this.store = store;
    this.history = history;
    this.changes = changes;
    this.state = state;
    this.discarding = discarding;
    this.time = time;
    this.events = events;
    this.budget = new Budget(config.output().total().bytes(), this::look);
    this.admission = new Admission(budget, history.endedOutputBytes());
  }

  void start() {
    thread.start();
  }

  /** What the owners have, and all of them together may keep. */
  Admission admission() {
    return admission;
  }

  /** One more job of {@code owner} has ended. Never blocks. */
  void ended(String owner) {
    ownersOfNewEnds.add(owner);
    look();
  }

  private void look() {
    if (work.availablePermits() == 0) {
      work.release();
    }
  }

  private void run() {
    Duration pause = Duration.ZERO;
    boolean first = true;
    while (!closed) {
      try {
        if (first) {
          ownersOfNewEnds.addAll(history.ownersOfMoreThan(bounds.max()));
          ownersOfNewEnds.addAll(history.ownersOfLargeSpecs());
          first = false;
        }
        var _ = work.tryAcquire(pause.toMillis(), TimeUnit.MILLISECONDS);
        work.drainPermits();
        forgetTheOld();
        forgetTheMany();
        dropOutput();
        time.keep();
        pause = untilNextExpiry();
        Thread.sleep(ROUND_INTERVAL); // while running jobs keep the pressure on, there is no rest
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        if (!closed) {
          LOG.atError().setCause(e).log("retention.failed");
        }
        pause = PAUSE_AFTER_FAILURE;
      }
    }
  }

  private void forgetTheOld() throws InterruptedException {
    Duration horizon = time.now().minus(bounds.keep());
    forgetAll(Removal.AGE, () -> history.endedBefore(horizon, BATCH));
  }

  private void forgetTheMany() throws InterruptedException {
    for (String owner : ownersOfNewEnds.toArray(String[]::new)) {
      ownersOfNewEnds.remove(owner);
      forgetAll(Removal.COUNT, () -> history.endedBeyond(owner, bounds.max(), BATCH));
      forgetAll(Removal.SIZE, () -> history.endedBeyondSpecs(owner, bounds.specs().bytes(), BATCH));
      changes.trim(owner, bounds.changes());
    }
  }

  private interface Batches {
    List<JobId> next();
  }

  /** However many there are, the disk and the database are others' for as long as they are ours. */
  private void forgetAll(Removal reason, Batches batches) throws InterruptedException {
    int count = 0;
    for (List<JobId> batch = batches.next(); !batch.isEmpty(); batch = batches.next()) {
      long start = System.nanoTime();
      batch.forEach(id -> forget(id, reason, Optional.empty()));
      count += batch.size();
      Thread.sleep(Duration.ofNanos(System.nanoTime() - start));
      if (closed) {
        return;
      }
    }
    if (count > 0) {
      LOG.atInfo()
          .addKeyValue("reason", reason)
          .addKeyValue("jobs", count)
          .log("retention.forgotten");
    }
  }

  private void dropOutput() {
    int count = 0;
    while (budget.isPressed() && !closed) {
      List<Ended> batch = history.firstEndedWithOutput(BATCH);
      if (batch.isEmpty()) {
        break; // what is left belongs to running jobs, whose logs see to it themselves
      }
      for (Ended job : batch) {
        if (budget.isPressed()) {
          drop(job);
          count++;
        }
      }
    }
    if (count > 0) {
      LOG.atInfo().addKeyValue("jobs", count).log("retention.output_dropped");
    }
  }

  /** First the record: what is left of the files goes with the job. */
  private void drop(Ended job) {
    if (history.markOutputDropped(job.id())) {
      admission.of(job.owner()).output().add(-job.outputKeptBytes());
      discarding.discardOutput(state.of(job.id()));
    }
  }

  /**
   * Forgets an ended job and its output, as somebody has asked.
   *
   * @throws JobException.NoSuchJob if it is forgotten already
   */
  void remove(JobId id, Requester by) {
    if (!forget(id, Removal.REQUESTED, Optional.of(by))) {
      throw store.find(id).isEmpty()
          ? new JobException.NoSuchJob(id.toString())
          : new JobException.Unavailable("the job is still being cleaned up; try again");
    }
  }

  /**
   * Forgets an ended job that is cleaned up: its record first, so that what a crash leaves belongs
   * to nobody. Returns false if there is no such job.
   */
  private boolean forget(JobId id, Removal why, Optional<Requester> by) {
    markRemoved(id);
    Optional<Ended> job = Optional.empty();
    try {
      job = history.deleteCleaned(id);
    } finally {
      if (job.isEmpty()) {
        unmarkIfKept(id);
      }
    }
    if (job.isEmpty()) {
      return false;
    }
    admission.of(job.get().owner()).output().add(-job.get().outputKeptBytes());
    discarding.discard(state.of(id), Optional.empty());
    events.publish(new JobEvent.Removed(id, job.get().owner(), why, by));
    return true;
  }

  /** A full disk must not keep anybody from making room. */
  private void markRemoved(JobId id) {
    try {
      state.of(id).markRemoved();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("job", id).setCause(e).log("retention.not_marked");
    }
  }

  private void unmarkIfKept(JobId id) {
    try {
      if (store.find(id).isPresent()) {
        state.of(id).unmarkRemoved();
      }
    } catch (IOException | JobException e) {
      LOG.atWarn().addKeyValue("job", id).setCause(e).log("retention.not_unmarked");
    }
  }

  private Duration untilNextExpiry() {
    Duration next =
        history
            .firstEnd()
            .map(end -> end.plus(bounds.keep()).minus(time.now()))
            .orElse(LONGEST_SLEEP);
    if (next.compareTo(LONGEST_SLEEP) > 0) {
      return LONGEST_SLEEP;
    }
    return next.isPositive() ? next.plusMillis(1) : Duration.ofMillis(1);
  }

  /** Stops after the job at hand. */
  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
