package io.jobworker.core;

import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.process.LauncherChannel;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.Collections;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;

/** The jobs that this process looks after, each until its end is published. Thread-safe. */
final class ActiveJobs {
  /** In good health capture is at a pipe for microseconds at a time. */
  private static final Duration STUCK_AFTER = Duration.ofSeconds(5);

  private final Ending ending;
  private final Retention retention;
  private final JobEvents events;
  private final Insistence insistence;
  private final Executor workers;
  private final ConcurrentMap<JobId, ActiveJob> byId = new ConcurrentHashMap<>();

  /** {@code workers} may block. */
  ActiveJobs(
      Ending ending,
      Retention retention,
      JobEvents events,
      Insistence insistence,
      Executor workers) {
    this.ending = ending;
    this.retention = retention;
    this.events = events;
    this.insistence = insistence;
    this.workers = workers;
  }

  Optional<ActiveJob> find(JobId id) {
    return Optional.ofNullable(byId.get(id));
  }

  /** All of them; the view changes with them. */
  Collection<ActiveJob> all() {
    return Collections.unmodifiableCollection(byId.values());
  }

  /**
   * Takes a job into care: from now on its end is noticed. What is returned completes when its end
   * has been seen to once, whether that succeeded or is tried again.
   */
  CompletableFuture<Void> adopt(ActiveJob job) {
    byId.put(job.id(), job);
    CompletableFuture<LauncherChannel.Ended> ended =
        job.launcher()
            .map(LauncherChannel::ended)
            .orElseGet(() -> CompletableFuture.completedFuture(LauncherChannel.Ended.VANISHED));
    CompletableFuture<Void> seenTo =
        ended.thenAcceptAsync(
            _ -> insistence.insist("job.finish_failed", job.id(), () -> tryToFinish(job)), workers);
    job.launcher()
        .ifPresent(launcher -> {
          var _ =
              launcher.refused().thenAcceptAsync(call -> job.tellRefusal(call, events), workers);
        });
    return seenTo;
  }

  private void tryToFinish(ActiveJob job) throws IOException, InterruptedException {
    try {
      finish(job);
    } catch (IOException | RuntimeException e) {
      job.markTroubled(e);
      throw e;
    }
  }

  /**
   * Sees to a job's end and publishes it, and only after that lets its output end. If that fails,
   * nothing is lost: the exit record stays, and those who follow wait. A full disk may have room
   * again.
   */
  private void finish(ActiveJob job) throws IOException, InterruptedException {
    Ending.Outcome outcome = ending.record(job);
    try {
      ending.cleanUp(job); // also when we are closing: this has begun
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // the next process goes on with it, and this one tells
    } catch (IOException | JobException e) {
      insistence.insistAfter(e, "job.not_cleaned", job.id(), () -> ending.cleanUp(job));
    }
    job.markEnded(outcome);
    byId.remove(job.id(), job);
    retention.admission().of(job.owner()).release();
    job.completeEnd();
    job.output().finish(outcome.log());
    events.publish(new JobEvent.Ended(job.statusInBrief()));
    retention.ended(job.owner());
  }

  /** For how many of them capture has been at a pipe for longer than it should. */
  long stuckCaptures() {
    long since = System.nanoTime() / 1_000_000 - STUCK_AFTER.toMillis(); // CLOCK_MONOTONIC, both
    return byId.values().stream()
        .mapToLong(job -> job.output().readingSinceMillis())
        .filter(start -> start != 0 && start < since)
        .count();
  }

  /** Lets go of all of them. They run on, and do not notice. */
  void letGo() {
    byId.values().forEach(job -> job.launcher().ifPresent(LauncherChannel::detach));
  }
}
