package io.jobworker.core.job;

/** Why a job ended: seven answers that are never confused with one another. */
public enum EndReason {
  EXITED,
  SIGNALED,
  OOM_KILLED,
  TIMED_OUT,
  STOPPED,
  /** Its end was not seen: the host or the job's launcher went down. */
  LOST,
  /** Its start was recorded, never carried out and not asked for again. It ran no instruction. */
  NEVER_STARTED
}
