package io.jobworker.core;

import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.core.output.JobOutput;
import io.jobworker.core.store.JobRecord;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A job of this host's: one that this process looks after, one whose end is recorded or, with
 * neither, one that this process could not take up yet.
 *
 * @param record as it was when the job was found
 */
record LocalJob(
    JobRecord record,
    Optional<ActiveJob> active,
    Stopping stopping,
    Retention retention,
    JobLogs logs)
    implements Job {

  @Override
  public JobId id() {
    return record.id();
  }

  @Override
  public String owner() {
    return record.owner();
  }

  @Override
  public JobStatus status() {
    return active.map(ActiveJob::status).orElseGet(record::status);
  }

  @Override
  public Usage usage() {
    return active
        .map(ActiveJob::usage)
        .orElseGet(() -> record.end().map(JobEnd::usage).orElse(Usage.NONE));
  }

  @Override
  public JobStatus stop(StopRequest request) {
    request.requireValid();
    if (active.isPresent()) {
      stopping.stop(active.get(), request);
    } else if (record.end().isEmpty()) {
      stopping.killUnreachable(record);
    }
    return status();
  }

  @Override
  public JobOutput output() {
    if (active.isPresent()) {
      return active.get().output();
    }
    requireTakenUp();
    return logs.ofEnded(record);
  }

  @Override
  public CompletableFuture<JobStatus> whenEnded() {
    if (active.isPresent()) {
      return active.get().ended().copy();
    }
    requireTakenUp();
    return CompletableFuture.completedFuture(record.status());
  }

  private void requireTakenUp() {
    if (record.end().isEmpty()) {
      throw new JobException.Unavailable("the job could not be taken up by this server yet");
    }
  }

  @Override
  public void remove(Requester by) {
    if (!status().state().isFinal()) {
      throw new JobException.WrongState("the job has not ended; stop it first");
    }
    retention.remove(id(), by);
  }
}
