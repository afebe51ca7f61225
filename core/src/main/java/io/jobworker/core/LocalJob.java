package io.jobworker.core;

import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.core.output.JobOutput;
import io.jobworker.core.process.InputLoop;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.store.JobRecord;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * A job of this host's: one that this process looks after, one whose end is recorded or, with
 * neither, one that this process could not take up yet, which is looked for again by each call.
 *
 * @param record as it was when the job was found
 * @param again finds a job anew
 */
record LocalJob(
    JobRecord record,
    Optional<ActiveJob> active,
    Stopping stopping,
    Retention retention,
    JobLogs logs,
    InputLoop inputs,
    Function<JobId, LocalJob> again)
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
  public int attempt() {
    return record.attempt();
  }

  private boolean isTakenUp() {
    return active.isPresent() || record.end().isPresent();
  }

  private LocalJob now() {
    return isTakenUp() ? this : again.apply(id());
  }

  @Override
  public JobStatus status() {
    return now().statusAsFound();
  }

  private JobStatus statusAsFound() {
    return active.map(ActiveJob::status).orElseGet(record::status);
  }

  @Override
  public Usage usage() {
    return now().usageAsFound();
  }

  private Usage usageAsFound() {
    return active
        .map(ActiveJob::usage)
        .orElseGet(() -> record.end().map(JobEnd::usage).orElse(Usage.NONE));
  }

  @Override
  public JobStatus stop(StopRequest request) {
    request.requireValid();
    return now().stopAsFound(request);
  }

  private JobStatus stopAsFound(StopRequest request) {
    if (active.isPresent()) {
      stopping.stop(active.get(), request);
    } else if (record.end().isEmpty()) {
      stopping.killUnreachable(record);
    }
    return statusAsFound();
  }

  @Override
  public JobStatus signal(Signal signal) {
    LocalJob now = requireTakenUp();
    Optional<LauncherChannel> launcher = now.active.flatMap(ActiveJob::launcher);
    JobStatus status = now.statusAsFound();
    if (status.state().isFinal() || launcher.isEmpty()) {
      throw new JobException.WrongState("the job has ended; there is nothing to send a signal to");
    }
    launcher.get().signal(signal.number());
    return status;
  }

  @Override
  public JobOutput output() {
    LocalJob now = requireTakenUp();
    return now.active.isPresent() ? now.active.get().output() : logs.ofEnded(now.record);
  }

  @Override
  public JobInput input(JobInput.Listener listener) {
    if (!record.spec().stdinStream()) {
      throw new JobException.WrongState(
          "the job was started without a stream for its stdin; nothing can be written to it");
    }
    LocalJob now = requireTakenUp();
    if (now.active.isEmpty() || now.active.get().launcher().isEmpty()) {
      throw inputEnded();
    }
    return InputWriter.open(now.active.get(), inputs, listener);
  }

  static JobException inputEnded() {
    return new JobException.WrongState("the job has ended, and reads nothing any more");
  }

  @Override
  public CompletableFuture<JobStatus> whenEnded() {
    LocalJob now = requireTakenUp();
    return now.active.isPresent()
        ? now.active.get().ended().thenApply(_ -> finalStatus(now.active.get()))
        : CompletableFuture.completedFuture(now.record.status());
  }

  @Override
  public Registration onEnded(Runnable call) {
    LocalJob now = requireTakenUp();
    if (now.active.isPresent()) {
      return now.active.get().onEnded(call);
    }
    call.run();
    return () -> {};
  }

  /** In brief, if that is all that can be told now. */
  private static JobStatus finalStatus(ActiveJob job) {
    try {
      return job.status();
    } catch (JobException e) {
      return job.statusInBrief();
    }
  }

  private LocalJob requireTakenUp() {
    LocalJob now = now();
    if (!now.isTakenUp()) {
      throw new JobException.Unavailable("the job could not be taken up by this server yet");
    }
    return now;
  }

  @Override
  public void remove(Requester by) {
    if (!status().state().isFinal()) {
      throw new JobException.WrongState("the job has not ended; stop it first");
    }
    retention.remove(id(), by);
  }
}
