package io.jobworker.core.job;

/** Where a job is in its life. The first two are passing, the others final. */
public enum JobState {
  RUNNING,
  /** A stop was asked for and the job has not ended yet. */
  STOPPING,
  /** It exited by itself with code 0. */
  EXITED,
  /**
   * It exited with another code, or a signal, the OOM killer or its time-out ended it, or it was
   * never started.
   */
  FAILED,
  /** It ended because a client stopped it. */
  STOPPED,
  /** It is gone and nobody saw how it ended. */
  LOST;

  public boolean isFinal() {
    return this != RUNNING && this != STOPPING;
  }
}
