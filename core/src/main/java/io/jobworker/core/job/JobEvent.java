package io.jobworker.core.job;

import java.util.Optional;

/**
 * What happens to a job. The status of one that has started is whole; later, where its spec is
 * large, that is in brief ({@link JobSpec#inBrief}).
 */
public sealed interface JobEvent {
  JobId job();

  /** The job has started. Comes before its end. */
  record Started(JobStatus status, Requester by, Optional<RunAs> runAs) implements JobEvent {
    @Override
    public JobId job() {
      return status.id();
    }
  }

  /** The job was refused a system call that no job needs. Once per job. */
  record CallRefused(JobStatus status, String call) implements JobEvent {
    @Override
    public JobId job() {
      return status.id();
    }
  }

  /** The job has ended: its output is complete and its end is recorded. Once per job. */
  record Ended(JobStatus status) implements JobEvent {
    @Override
    public JobId job() {
      return status.id();
    }
  }

  /**
   * An ended job is forgotten.
   *
   * @param by present exactly when somebody has asked for it
   */
  record Removed(JobId job, String owner, Removal why, Optional<Requester> by)
      implements JobEvent {}
}
