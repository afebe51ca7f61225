package io.jobworker.core;

/** Hears of what happens to jobs. Called without locks; what it throws is logged. */
public interface JobListener {
  /** Hears nothing. */
  JobListener NONE =
      new JobListener() {
        @Override
        public void started(JobStatus status) {}

        @Override
        public void refused(JobStatus status, String call) {}

        @Override
        public void ended(JobStatus status) {}
      };

  /**
   * The job has started. On the thread that called {@link Jobs#start}, and before its end is told.
   */
  void started(JobStatus status);

  /**
   * The job was refused a system call, by the name {@code call}, that no job needs. Once per job.
   */
  void refused(JobStatus status, String call);

  /** The job has ended: its output is complete and its end is recorded. Once per job. */
  void ended(JobStatus status);
}
