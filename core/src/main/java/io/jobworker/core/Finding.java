package io.jobworker.core;

import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Usage;
import io.jobworker.core.process.InputLoop;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** Finds jobs, those in care and those that are only recorded, and hands them out. Thread-safe. */
final class Finding {
  /** How many jobs are looked at at a time, at most, when they are listed. */
  private static final int LIST_BATCH = 500;

  private final JobStore store;
  private final ActiveJobs active;
  private final Recovery recovery;
  private final Stopping stopping;
  private final Retention retention;
  private final JobLogs logs;
  private final InputLoop inputs;

  Finding(
      JobStore store,
      ActiveJobs active,
      Recovery recovery,
      Stopping stopping,
      Retention retention,
      JobLogs logs,
      InputLoop inputs) {
    this.store = store;
    this.active = active;
    this.recovery = recovery;
    this.stopping = stopping;
    this.retention = retention;
    this.logs = logs;
    this.inputs = inputs;
  }

  /**
   * The job of this id.
   *
   * @throws JobException.NoSuchJob if there is none
   */
  LocalJob find(JobId id) {
    return inCare(id).map(this::handle).orElseGet(() -> findInStore(id));
  }

  /** As {@link Jobs#find(JobId, Predicate)} says. */
  LocalJob find(JobId id, Predicate<String> reachable) {
    Optional<ActiveJob> job = active.find(id).filter(found -> reachable.test(found.owner()));
    if (job.isPresent()) {
      return handle(job.get());
    }
    // Also of one in care, whose owner is known, and before waiting for one: time must not tell.
    String owner = store.owner(id).orElseThrow(() -> new JobException.NoSuchJob(id.toString()));
    LocalJob found = reachable.test(owner) ? find(id) : null;
    if (found == null || !reachable.test(found.owner())) { // or it is another by now
      throw JobException.NoSuchJob.another(id.toString());
    }
    return found;
  }

  private Optional<ActiveJob> inCare(JobId id) {
    Optional<ActiveJob> job = active.find(id);
    if (job.isEmpty()) {
      recovery.await(id);
      job = active.find(id);
    }
    return job;
  }

  /** What is in the store without an end may have come into care, or ended, since it was read. */
  private LocalJob findInStore(JobId id) {
    JobRecord record = record(id);
    if (record.end().isPresent()) {
      return handle(record);
    }
    Optional<ActiveJob> job = active.find(id);
    return job.isPresent() ? handle(job.get()) : handle(record(id));
  }

  private JobRecord record(JobId id) {
    return store
        .find(id)
        .filter(JobRecord::settled)
        .orElseThrow(() -> new JobException.NoSuchJob(id.toString()));
  }

  /** One that is in care. */
  LocalJob handle(ActiveJob job) {
    return new LocalJob(
        job.record(), Optional.of(job), stopping, retention, logs, inputs, this::find);
  }

  private LocalJob handle(JobRecord record) {
    return new LocalJob(record, Optional.empty(), stopping, retention, logs, inputs, this::find);
  }

  /** As {@link Jobs#list} says. */
  JobPage list(JobQuery query) {
    JobFilter filter = query.filter();
    filter.requireValid();
    recovery.awaitAll();
    List<JobPage.Entry> found = new ArrayList<>();
    long weight = 0;
    Optional<JobQuery.Position> after = query.after();
    int size = Math.clamp(query.limit(), 1, LIST_BATCH); // enough, if all of them match
    while (true) {
      JobStore.Batch batch = store.list(query.owner(), filter.naming(), after, size);
      for (JobStore.Placed placed : batch.jobs()) {
        Optional<ActiveJob> job = active.find(placed.job().id());
        JobStatus status =
            job.map(now -> now.status(placed.job().spec())).orElseGet(placed.job()::status);
        after = Optional.of(placed.position());
        if (filter.matches(status)) {
          found.add(new JobPage.Entry(placed.position(), status, usage(status, job)));
          weight += status.spec().weight();
          if (found.size() == query.limit() || weight >= JobStore.MAX_WEIGHT) {
            return new JobPage(found, after);
          }
        }
      }
      if (batch.last().isEmpty()) { // a short one may lack what cannot be read
        return new JobPage(found, Optional.empty());
      }
      after = batch.last();
      size = LIST_BATCH;
    }
  }

  private static Usage usage(JobStatus status, Optional<ActiveJob> job) {
    return status
        .end()
        .map(JobEnd::usage)
        .orElseGet(() -> job.map(ActiveJob::usage).orElse(Usage.NONE));
  }
}
