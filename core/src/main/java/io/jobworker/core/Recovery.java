package io.jobworker.core;

import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.job.JobId;
import io.jobworker.core.linux.BootId;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.Monitor;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes up what another process has left in the state directory, while new jobs are started
 * already: jobs that still run, jobs that ended unseen, and remains of starts that were never
 * answered. All in parallel, and one broken job keeps no other from its place.
 */
final class Recovery {
  private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Jobs jobs;
  private final JobStore store;
  private final CgroupTree cgroups;
  private final String bootId = BootId.current();

  /** Jobs that have not been tried yet. */
  private final ConcurrentMap<JobId, CompletableFuture<@Nullable Void>> waiting =
      new ConcurrentHashMap<>();

  private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

  Recovery(Jobs jobs, JobStore store, CgroupTree cgroups) {
    this.jobs = jobs;
    this.store = store;
    this.cgroups = cgroups;
  }

  /**
   * Finds out what there is to do, and has it done. To be called before the first new job is
   * started: what has a directory now and no record is of nobody.
   */
  void begin() throws IOException {
    List<JobRecord> unended = store.unended();
    List<JobRecord> uncleaned = store.uncleaned();
    Set<JobId> directories = new HashSet<>();
    // By directory, which is made before the job's cgroup and removed after it. Other servers on
    // this host may have cgroups under the same root; those are not ours to look at.
    try (var entries = Files.newDirectoryStream(jobs.jobsDirectory())) {
      for (Path entry : entries) {
        JobId.parse(String.valueOf(entry.getFileName())).ifPresent(directories::add);
      }
    }
    for (JobRecord record : unended) {
      waiting.put(record.id(), new CompletableFuture<>());
      jobs.holdings().of(record.owner()).takeOver();
    }
    long start = System.nanoTime();
    List<CompletableFuture<Void>> work = new ArrayList<>();
    unended.forEach(record -> work.add(inBackground(() -> takeUp(record))));
    uncleaned.forEach(record -> work.add(inBackground(() -> finishCleaning(record))));
    work.add(inBackground(() -> store.unknownOf(directories).forEach(this::removeUnanswered)));
    var _ =
        CompletableFuture.allOf(work.toArray(CompletableFuture[]::new))
            .whenComplete((_, problem) -> {
              LOG.atInfo()
                  .addKeyValue("jobs", unended.size())
                  .addKeyValue("millis", (System.nanoTime() - start) / 1_000_000)
                  .setCause(problem)
                  .log("recovery.done");
              done.complete(null);
            });
  }

  private CompletableFuture<Void> inBackground(Runnable task) {
    return CompletableFuture.runAsync(task, jobs.workers());
  }

  /** Completes when everything has been tried once. */
  CompletableFuture<@Nullable Void> done() {
    return done.copy();
  }

  /** Waits until this job, if it is one of those to be taken up, has been tried. */
  void await(JobId id) {
    CompletableFuture<@Nullable Void> tried = waiting.get(id);
    if (tried != null) {
      tried.copy().completeOnTimeout(null, PATIENCE.toMillis(), TimeUnit.MILLISECONDS).join();
    }
  }

  /** Waits until all have been tried. */
  void awaitAll() {
    if (!waiting.isEmpty()) {
      CompletableFuture.allOf(waiting.values().toArray(CompletableFuture[]::new))
          .completeOnTimeout(null, PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
          .join();
    }
  }

  private void takeUp(JobRecord record) {
    try {
      jobs.insist("recovery.job_failed", record.id(), () -> jobs.adopt(find(record)));
    } finally {
      CompletableFuture<@Nullable Void> tried = waiting.remove(record.id());
      if (tried != null) {
        tried.complete(null);
      }
    }
  }

  private ActiveJob find(JobRecord record) throws IOException {
    JobDirectory directory = jobs.directory(record.id());
    boolean rebooted = !record.bootId().isEmpty() && !record.bootId().equals(bootId);
    Optional<Monitor> monitor = rebooted ? Optional.empty() : attach(directory.path());
    try {
      OutputLog output =
          monitor.isPresent()
              ? jobs.openOutput(record, awaitPage(monitor.get()), monitor.get())
              : jobs.openOrphanedOutput(record);
      return new ActiveJob(record, directory, jobs.cgroupOf(record), output, monitor);
    } catch (OldLauncher e) {
      monitor.ifPresent(Recovery::awaitGone);
      return new ActiveJob(
          record,
          directory,
          jobs.cgroupOf(record),
          jobs.openOrphanedOutput(record),
          Optional.empty());
    } catch (IOException | RuntimeException e) {
      monitor.ifPresent(Monitor::detach);
      throw e;
    }
  }

  /** A launcher of version 1 has been told to end its job and go. */
  private static final class OldLauncher extends IOException {}

  /** By which the job's log is followed; the launcher gives it to each server that connects. */
  private static Fd awaitPage(Monitor monitor) throws IOException {
    try {
      return monitor.output().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof Monitor.OldVersion
          ? new OldLauncher()
          : new IOException("the launcher gave no page of its log", e);
    } catch (TimeoutException e) {
      throw new IOException("the launcher does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  private static void awaitGone(Monitor monitor) {
    monitor
        .gone()
        .copy()
        .completeOnTimeout(null, PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .join();
  }

  private Optional<JobCgroup> cgroupOf(JobId unknown) throws IOException {
    return cgroups
        .find(jobs.directory(unknown).slot().orElse(""))
        .or(() -> cgroups.find(unknown.toString()));
  }

  private Optional<Monitor> attach(Path directory) throws IOException {
    return Files.isDirectory(directory)
        ? Monitor.attach(directory, jobs.control())
        : Optional.empty();
  }

  /** A job whose end was recorded by a server that died before it had cleaned up. */
  private void finishCleaning(JobRecord record) {
    JobDirectory directory = jobs.directory(record.id());
    jobs.insist(
        "recovery.not_cleaned",
        record.id(),
        () -> {
          dismiss(directory);
          Optional<JobCgroup> cgroup = jobs.cgroupOf(record);
          if (cgroup.isPresent()) {
            cgroup.get().remove();
          }
          directory.removeRunningFiles();
          store.markCleaned(record.id());
        });
  }

  /** A Start that was never answered: whoever asked believes that it failed, so it must not run. */
  private void removeUnanswered(JobId id) {
    JobDirectory directory = jobs.directory(id);
    jobs.insist(
        "recovery.not_removed",
        id,
        () -> {
          dismiss(directory);
          jobs.discard(directory, cgroupOf(id));
          LOG.atInfo().addKeyValue("job", id).log("recovery.unanswered_removed");
        });
  }

  private void dismiss(JobDirectory directory)
      throws IOException, InterruptedException, ExecutionException, TimeoutException {
    Optional<Monitor> monitor = attach(directory.path());
    if (monitor.isPresent()) {
      monitor.get().dismiss().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
