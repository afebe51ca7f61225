package io.jobworker.core;

import io.jobworker.core.job.Assignment;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.core.output.JobOutput;
import java.util.concurrent.CompletableFuture;

/**
 * A job that was found or has just been started. It needs not be closed, and keeps nothing alive;
 * what it says is as of the call. Thread-safe; methods may block for as long as they say.
 */
public interface Job {
  JobId id();

  /** Whoever it was started for, by name. */
  String owner();

  /** Which of its executions this is, as {@link Assignment} said; 0 where nobody counts them. */
  int attempt();

  /** All that is known of it now. */
  JobStatus status();

  /** What it uses now, or has used in all. */
  Usage usage();

  /**
   * Ends its whole process tree and returns when it is gone; at the latest after the grace and
   * {@link JobsConfig#stopPatience}, with the job still stopping. A job that has ended already is
   * left as it is.
   *
   * @return its status afterwards
   * @throws JobException.InvalidSpec if the grace is out of its bounds
   * @throws JobException.Unavailable if this process could not take the job up: it is killed, and
   *     its end will be recorded
   */
  JobStatus stop(StopRequest request);

  /**
   * Sends a signal to its main process's group, as {@code kill -s} does; what comes of it is the
   * job's own affair.
   *
   * @return its status, which this does not change
   * @throws JobException.WrongState if it has ended
   * @throws JobException.Unavailable if this process could not take the job up yet
   */
  JobStatus signal(Signal signal);

  /**
   * Its output, from the first byte that is kept on.
   *
   * @throws JobException.Unavailable if it cannot be read now
   * @throws JobException.WrongState if it can never be read
   */
  JobOutput output();

  /**
   * Its stdin, for one who writes it from now on, while the job runs. Whoever has written it before
   * {@linkplain JobException.TakenOver has lost it}.
   *
   * @throws JobException.WrongState if the job was started without {@link JobSpec#stdinStream}, or
   *     has ended
   * @throws JobException.Unavailable if this process could not take the job up yet
   */
  JobInput input(JobInput.Listener listener);

  /**
   * Completes with its final status. When that is visible, its output is complete.
   *
   * @throws JobException.Unavailable if this process could not take the job up yet
   */
  CompletableFuture<JobStatus> whenEnded();

  /**
   * Has {@code call}, which must not block, called once when the job has ended: now, if it has.
   * When whoever waits closes the registration, nothing is left of it.
   *
   * @throws JobException.Unavailable if this process could not take the job up yet
   */
  Registration onEnded(Runnable call);

  /**
   * Forgets it and its output, after its end.
   *
   * @throws JobException.WrongState if it has not ended
   * @throws JobException.NoSuchJob if it is forgotten already
   * @throws JobException.Unavailable if it is still being cleaned up
   */
  void remove(Requester by);
}
