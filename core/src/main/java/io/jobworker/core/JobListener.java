package io.jobworker.core;

import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;

/** Hears of what happens to jobs, of all of them. */
@FunctionalInterface
public interface JobListener {
  /**
   * Something has happened. Called without locks, on the thread that made it happen; what it throws
   * is logged, and keeps no other listener from hearing of it.
   */
  void on(JobEvent event);

  /**
   * Whether it could hear of a job that is about to begin.
   *
   * @throws JobException.Unavailable if not, and then nothing is to begin
   */
  default void requireRoom() {}
}
