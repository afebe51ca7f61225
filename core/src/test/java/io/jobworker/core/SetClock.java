package io.jobworker.core;

import io.jobworker.base.linux.Uptime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.concurrent.atomic.AtomicReference;

/** Time, as a test has it pass, and the clock, as a test sets it. */
final class SetClock extends Clock {
  private final AtomicReference<Duration> passed = new AtomicReference<>(Duration.ZERO);
  private final AtomicReference<Duration> ahead = new AtomicReference<>(Duration.ZERO);

  /** So much time passes. */
  void advance(Duration by) {
    passed.updateAndGet(by::plus);
    set(by);
  }

  /** Somebody sets the clock forward, or back. */
  void set(Duration by) {
    ahead.updateAndGet(by::plus);
  }

  Duration uptime() {
    return Uptime.current().plus(passed.get());
  }

  @Override
  public Instant instant() {
    return Instant.now().plus(ahead.get());
  }

  @Override
  public ZoneId getZone() {
    return ZoneOffset.UTC;
  }

  @Override
  public Clock withZone(ZoneId zone) {
    return this;
  }
}
