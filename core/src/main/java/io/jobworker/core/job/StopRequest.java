package io.jobworker.core.job;

import java.time.Duration;
import java.util.Optional;

/**
 * How a job is to be stopped.
 *
 * @param grace how long {@code signal} comes before SIGKILL; empty: what the job's spec says; zero:
 *     SIGKILL to the whole tree at once
 */
public record StopRequest(Optional<Duration> grace, Signal signal) {
  /** SIGKILL, or the job's own grace with SIGTERM. */
  public static final StopRequest DEFAULT = new StopRequest(Optional.empty(), Signal.TERM);

  /**
   * Refuses what no stop can be.
   *
   * @throws JobException.InvalidSpec if the grace is out of its bounds
   */
  public void requireValid() {
    grace.ifPresent(value -> SpecCheck.checkDuration(RequestField.STOP_GRACE, value));
  }

  public static StopRequest withGrace(Duration grace) {
    return new StopRequest(Optional.of(grace), Signal.TERM);
  }
}
