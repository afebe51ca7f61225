package io.jobworker.core;

import io.jobworker.core.job.JobEvent;

/** Hears of what happens to jobs, of all of them. */
@FunctionalInterface
public interface JobListener {
  /**
   * Something has happened. Called without locks, on the thread that made it happen; what it throws
   * is logged, and keeps no other listener from hearing of it.
   */
  void on(JobEvent event);
}
