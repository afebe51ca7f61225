package io.jobworker.core;

import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.RunAs;
import java.util.Optional;

/** Hears of what happens to jobs. Called without locks; what it throws is logged. */
public interface JobListener {
  /** Hears nothing. */
  JobListener NONE =
      new JobListener() {
        @Override
        public void started(JobStatus status, Optional<RunAs> runAs) {}

        @Override
        public void refused(JobStatus status, String call) {}

        @Override
        public void ended(JobStatus status) {}

        @Override
        public void removed(JobId job, String owner, Removal why) {}
      };

  /**
   * The job has started. On the thread that called {@link Jobs#start}, and before its end is told.
   */
  void started(JobStatus status, Optional<RunAs> runAs);

  /**
   * The job was refused a system call, by the name {@code call}, that no job needs. Once per job.
   */
  void refused(JobStatus status, String call);

  /** The job has ended: its output is complete and its end is recorded. Once per job. */
  void ended(JobStatus status);

  /** An ended job is forgotten. On the thread that called {@link Jobs#remove}, if that is why. */
  void removed(JobId job, String owner, Removal why);

  /** Why a job is forgotten. */
  enum Removal {
    REQUESTED,
    /** It ended longer ago than jobs are kept. */
    AGE,
    /** Its owner has more ended jobs than are kept. */
    COUNT
  }
}
