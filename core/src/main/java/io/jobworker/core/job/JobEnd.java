package io.jobworker.core.job;

import java.time.Instant;
import java.util.OptionalInt;

/**
 * How a job ended.
 *
 * @param exitCode present when the main process exited by itself, whatever the reason for that was
 * @param signal present when a signal ended the main process
 * @param at when the main process ended; for a lost job or one that was never started, when that
 *     was noticed
 * @param usage in all
 * @param detail for a lost job, why its end was not seen; for one that was never started, at what
 *     its launch had failed, if it had; otherwise empty
 */
public record JobEnd(
    EndReason reason,
    OptionalInt exitCode,
    OptionalInt signal,
    Instant at,
    Usage usage,
    String detail) {
  /** The state that a job with this end is in. */
  public JobState state() {
    return switch (reason) {
      case EXITED -> exitCode.orElse(-1) == 0 ? JobState.EXITED : JobState.FAILED;
      case SIGNALED, OOM_KILLED, TIMED_OUT, NEVER_STARTED -> JobState.FAILED;
      case STOPPED -> JobState.STOPPED;
      case LOST -> JobState.LOST;
    };
  }
}
