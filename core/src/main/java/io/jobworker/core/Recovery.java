package io.jobworker.core;

import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.output.Capture;
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
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes up what another process has left in the state directory: jobs that still run, jobs that
 * ended unseen, and remains of starts that were never answered. One broken job keeps no other from
 * its place.
 */
final class Recovery {
  private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Jobs jobs;
  private final JobStore store;
  private final CgroupTree cgroups;

  Recovery(Jobs jobs, JobStore store, CgroupTree cgroups) {
    this.jobs = jobs;
    this.store = store;
    this.cgroups = cgroups;
  }

  /** Returns when every job is in care or given up. */
  void run() throws IOException {
    List<CompletableFuture<Void>> work = new ArrayList<>();
    Set<JobId> unended = new HashSet<>();
    for (JobRecord record : store.unended()) {
      unended.add(record.id());
      work.add(CompletableFuture.runAsync(() -> takeUp(record), jobs.workers()));
    }
    // By directory, which is made before the job's cgroup and removed after it. Other servers on
    // this host
    // may have cgroups under the same root; those are not ours to look at.
    Set<JobId> found = new HashSet<>();
    try (var entries = Files.list(jobs.jobsDirectory())) {
      entries.forEach(
          entry -> JobId.parse(String.valueOf(entry.getFileName())).ifPresent(found::add));
    }
    for (JobId id : found) {
      if (unended.contains(id)) {
        continue;
      }
      if (store.find(id).isEmpty()) {
        work.add(CompletableFuture.runAsync(() -> removeUnanswered(id), jobs.workers()));
      } else if (jobs.directory(id).hasRunningFiles()) {
        work.add(CompletableFuture.runAsync(() -> finishCleaning(id), jobs.workers()));
      }
    }
    work.forEach(CompletableFuture::join);
    LOG.atInfo().addKeyValue("jobs", unended.size()).log("recovery.done");
  }

  private void takeUp(JobRecord record) {
    JobDirectory directory = jobs.directory(record.id());
    try {
      Optional<Monitor> monitor = attach(directory.path());
      OutputLog output = jobs.openOutput(directory, record.spec());
      // Without a launcher the pipes are empty: what was in them went with their last holder.
      Capture.Tap tap =
          jobs.capture().open(output, monitor.isPresent() ? directory.openPipes() : Map.of());
      jobs.adopt(new ActiveJob(record, directory, cgroups.find(record.id()), output, tap, monitor));
    } catch (IOException | RuntimeException e) {
      LOG.atError().addKeyValue("job", record.id()).setCause(e).log("recovery.job_failed");
    }
  }

  private Optional<Monitor> attach(Path directory) throws IOException {
    return Files.isDirectory(directory)
        ? Monitor.attach(directory, jobs.control())
        : Optional.empty();
  }

  /** A job whose end was recorded by a server that died before it had cleaned up. */
  private void finishCleaning(JobId id) {
    JobDirectory directory = jobs.directory(id);
    try {
      Optional<Monitor> monitor = attach(directory.path());
      if (monitor.isPresent()) {
        monitor.get().dismiss().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      }
      Optional<JobCgroup> cgroup = cgroups.find(id);
      if (cgroup.isPresent()) {
        cgroup.get().remove();
      }
      directory.removeRunningFiles();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException | ExecutionException | TimeoutException e) {
      LOG.atError().addKeyValue("job", id).setCause(e).log("recovery.not_cleaned");
    }
  }

  /** A Start that was never answered: whoever asked believes that it failed, so it must not run. */
  private void removeUnanswered(JobId id) {
    JobDirectory directory = jobs.directory(id);
    try {
      Optional<Monitor> monitor = attach(directory.path());
      if (monitor.isPresent()) {
        monitor.get().dismiss().get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      }
      jobs.discard(directory, cgroups.find(id));
      LOG.atInfo().addKeyValue("job", id).log("recovery.unanswered_removed");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException | ExecutionException | TimeoutException e) {
      LOG.atError().addKeyValue("job", id).setCause(e).log("recovery.not_removed");
    }
  }
}
