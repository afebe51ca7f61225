package io.jobworker.core;

/** Hears of what happens to jobs by itself. Called without locks; what it throws is logged. */
@FunctionalInterface
public interface JobListener {
  /** The job has ended: its output is complete and its end is recorded. Once per job. */
  void ended(JobStatus status);
}
