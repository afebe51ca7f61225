package io.jobworker.core;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.process.ExitRecord;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Ends jobs before their time. Thread-safe. */
final class Stopping {
  private static final Logger LOG = LoggerFactory.getLogger(Stopping.class);

  /** How long a stop waits for the launcher before the cgroup is killed over its head. */
  private static final Duration LAUNCHER_PATIENCE = Duration.ofSeconds(2);

  private final Duration patience;
  private final StateDirectory state;
  private final CgroupTree cgroups;
  private final JobStore store;
  private final LocalChanges changes;
  private final InFlight inFlight;
  private final Insistence insistence;
  private final Executor workers;

  /**
   * {@code patience} is how long a stop waits for the end, beyond the grace; {@code workers} may
   * block.
   */
  Stopping(
      Duration patience,
      StateDirectory state,
      CgroupTree cgroups,
      JobStore store,
      LocalChanges changes,
      InFlight inFlight,
      Insistence insistence,
      Executor workers) {
    this.inFlight = inFlight;
    this.insistence = insistence;
    this.workers = workers;
    this.store = store;
    this.changes = changes;
    this.patience = patience;
    this.state = state;
    this.cgroups = cgroups;
  }

  /**
   * Ends the job's whole process tree and returns when its end is published, or at the latest after
   * the grace and the patience; at once if its launcher is gone and its end is being seen to.
   *
   * @throws JobException.Unavailable if this process lets go of its jobs meanwhile; the stop goes
   *     on
   */
  void stop(ActiveJob job, StopRequest request) {
    if (job.launcher().isEmpty()) {
      return;
    }
    Duration grace = request.grace().or(job.spec()::grace).orElse(Duration.ZERO);
    Signal signal = grace.isZero() ? Signal.KILL : request.signal();
    job.markStopping();
    if (!grace.isZero()) {
      keepStopping(job.id(), job.owner());
    }
    job.launcher().get().stop(signal.number(), grace);
    Duration launcherPatience = grace.plus(LAUNCHER_PATIENCE);
    if (job.cgroup().isPresent()) {
      killUnlessEndedWithin(job, launcherPatience);
    }
    awaitEnd(job, launcherPatience.plus(patience));
  }

  /**
   * Whatever keeps the launcher from doing it, whoever still waits for that, and as often as it
   * takes.
   */
  private void killUnlessEndedWithin(ActiveJob job, Duration time) {
    if (!job.isToBeKilledSoonerThanBefore(time)) {
      return;
    }
    var _ =
        job.ended()
            .copy()
            .completeOnTimeout(null, time.toMillis(), MILLISECONDS)
            .thenRunAsync(
                () ->
                    insistence.insist(
                        "job.kill_failed",
                        job.id(),
                        () -> {
                          if (!job.ended().isDone()) {
                            kill(job.id(), job.owner(), job.record().slot());
                          }
                        }),
                workers);
  }

  /** Ends all that run; those that come into care meanwhile have no time left for a grace. */
  void stopAll(ActiveJobs active, Duration grace) {
    Set<ActiveJob> stopped = new HashSet<>(active.all());
    stopAll(stopped, new StopRequest(Optional.of(grace), Signal.TERM));
    List<ActiveJob> late = active.all().stream().filter(job -> !stopped.contains(job)).toList();
    stopAll(late, StopRequest.withGrace(Duration.ZERO));
    stopped.addAll(late);
    killWithoutCare(id -> active.find(id).filter(stopped::contains).isPresent());
  }

  private void stopAll(Collection<ActiveJob> jobs, StopRequest request) {
    List<CompletableFuture<Void>> stops = new ArrayList<>();
    for (ActiveJob job : jobs) {
      stops.add(CompletableFuture.runAsync(() -> stop(job, request), workers));
    }
    for (CompletableFuture<Void> stop : stops) {
      try {
        stop.join();
      } catch (CompletionException e) {
        LOG.atError().setCause(e).log("jobs.not_stopped");
      }
    }
  }

  /**
   * Kills what has not ended of those that nobody has looked after yet: their launchers cannot be
   * spoken to, or are gone. The next process records how they ended.
   */
  private void killWithoutCare(Predicate<JobId> isStopped) {
    for (JobStore.Unfinished job : store.unended()) {
      if (!isStopped.test(job.id()) && ExitRecord.isMissing(state.of(job.id()).path())) {
        try {
          if (job.settled()) {
            kill(job.id(), job.owner(), job.slot());
          } else {
            killTree(job.id(), job.slot());
          }
        } catch (IOException | JobException e) {
          LOG.atError().addKeyValue("job", job.id()).setCause(e).log("job.kill_failed");
        }
      }
    }
  }

  /** So that the job is known to be stopping whoever looks after it; it is stopped in any case. */
  private void keepStopping(JobId id, String owner) {
    try {
      store.markStopping(id);
      changes.more(owner);
    } catch (JobException e) {
      LOG.atWarn().addKeyValue("job", id).setCause(e).log("job.stopping_not_kept");
    }
  }

  private static void awaitEnd(ActiveJob job, Duration patience) {
    try {
      job.ended().get(patience.toMillis(), MILLISECONDS);
    } catch (TimeoutException e) {
      // it is stopping
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JobException.Unavailable("interrupted; the stop goes on");
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    }
  }

  /**
   * Kills a job that this process could not take up; its end is recorded when that can be done. Its
   * launcher, which knows how it ended, is left to say so, if there is another way.
   *
   * @throws JobException.Unavailable always: the end is not known yet
   */
  void killUnreachable(JobRecord job) {
    try {
      kill(job.id(), job.owner(), job.slot());
    } catch (IOException e) {
      throw new JobException.Unavailable("the job could not be taken up by this server", e);
    }
    throw new JobException.Unavailable(
        "the job could not be taken up by this server, and was killed; its end will be recorded");
  }

  /** Nobody may be told of it who has let go of the job, and could not keep that it was a stop. */
  private void kill(JobId id, String owner, String slot) throws IOException {
    try (InFlight.Flight _ = inFlight.begin()) {
      keepStopping(id, owner);
      killTree(id, slot);
    }
  }

  private void killTree(JobId id, String slot) throws IOException {
    Optional<JobCgroup> cgroup = cgroups.find(slot, id);
    if (cgroup.isPresent()) {
      cgroup.get().kill();
    } else {
      LauncherChannel.kill(state.of(id).path());
    }
  }
}
