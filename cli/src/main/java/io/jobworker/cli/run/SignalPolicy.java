package io.jobworker.cli.run;

import java.time.Duration;

/**
 * What a signal to us means for the job that we stand in for. Ctrl-C interrupts it, at twice kills
 * it, and at three times leaves it alone: then the server does not answer. Not thread-safe.
 */
final class SignalPolicy {
  /** How soon a second Ctrl-C must follow to mean more than the first. */
  static final Duration TWICE = Duration.ofSeconds(2);

  /** What to do. */
  sealed interface Action {
    /** The job gets the signal, and whatever it makes of it. */
    record Pass(String signal) implements Action {}

    /** The job's whole tree is killed. */
    record Kill() implements Action {}

    /** We go, and the job lives on. */
    record Leave(int exitCode) implements Action {}
  }

  private static final int SIGNALED = 128;

  private boolean interrupted;
  private long interruptedNanos;
  private boolean killed;

  /** {@code nowNanos} as {@link System#nanoTime} has it. */
  Action on(PassedSignal signal, long nowNanos) {
    return switch (signal) {
      case INT -> onInterrupt(nowNanos);
      case HUP -> new Action.Leave(SIGNALED + PassedSignal.HUP.number());
      case TERM -> new Action.Pass(signal.name());
    };
  }

  private Action onInterrupt(long nowNanos) {
    if (killed) {
      return new Action.Leave(SIGNALED + PassedSignal.INT.number());
    }
    if (interrupted && nowNanos - interruptedNanos <= TWICE.toNanos()) {
      killed = true;
      return new Action.Kill();
    }
    interrupted = true;
    interruptedNanos = nowNanos;
    return new Action.Pass(PassedSignal.INT.name());
  }
}
