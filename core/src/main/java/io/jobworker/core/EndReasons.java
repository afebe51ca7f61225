package io.jobworker.core;

import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.Signal;
import io.jobworker.core.process.ExitRecord.Cause;
import java.util.OptionalInt;

/**
 * What the end of a job is called. This is the one place of the server that decides it, as {@code
 * end_job} and {@code main_ended} of {@code launcher/src/monitor.c} are the launcher's; {@code
 * docs/job-ends.md} has the table of both.
 */
final class EndReasons {
  private EndReasons() {}

  /**
   * Of a job whose launcher has recorded its end; without a record a job is lost.
   *
   * @param cause what the launcher did to end it, before it ended
   * @param signal what its main process died of; empty: it exited
   * @param oomKills how many of its processes the kernel has killed for want of memory; negative:
   *     that could not be read
   * @param stopping whether a stop of it had been recorded
   */
  static EndReason of(Cause cause, OptionalInt signal, long oomKills, boolean stopping) {
    return switch (cause) {
      case STOP -> EndReason.STOPPED;
      case TIMEOUT -> EndReason.TIMED_OUT;
      case NONE -> {
        if (signal.isEmpty()) {
          yield EndReason.EXITED;
        }
        if (signal.getAsInt() != Signal.KILL.number()) {
          yield EndReason.SIGNALED;
        }
        if (oomKills > 0) {
          yield EndReason.OOM_KILLED;
        }
        // Over the head of a launcher that was too slow to do it.
        yield stopping ? EndReason.STOPPED : EndReason.SIGNALED;
      }
    };
  }
}
