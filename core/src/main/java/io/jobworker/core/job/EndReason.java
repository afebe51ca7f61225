package io.jobworker.core.job;

/** Why a job ended: six answers that are never confused with one another. */
public enum EndReason {
  EXITED,
  SIGNALED,
  OOM_KILLED,
  TIMED_OUT,
  STOPPED,
  /** Its end was not seen: the host or the job's launcher went down. */
  LOST
}
