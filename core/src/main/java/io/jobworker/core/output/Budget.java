package io.jobworker.core.output;

import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What the logs of all jobs together may keep on disk. A log that grows beyond it gives up its own
 * oldest segments; well before that, whoever can make room elsewhere is told. Thread-safe.
 */
public final class Budget {
  private final long bytes;
  private final long comfortable;
  private final Runnable onPressure;
  private final Optional<Budget> whole;
  private final AtomicLong used = new AtomicLong();

  /**
   * @param onPressure called, again and again, by whoever adds something while seven eighths are
   *     used up; must not block
   */
  public Budget(long bytes, Runnable onPressure) {
    this(bytes, onPressure, Optional.empty());
  }

  private Budget(long bytes, Runnable onPressure, Optional<Budget> whole) {
    this.bytes = bytes;
    this.comfortable = bytes - bytes / 8;
    this.onPressure = onPressure;
    this.whole = whole;
  }

  /** One that nothing exceeds. */
  public static Budget unlimited() {
    return new Budget(Long.MAX_VALUE, () -> {});
  }

  /** A count of its own of some of the logs, which are bound by this one. */
  public Budget part() {
    return new Budget(bytes, () -> {}, Optional.of(this));
  }

  /** How much is kept now. */
  public long used() {
    return used.get();
  }

  /** So much more is kept now, or less. */
  public void add(long change) {
    if (whole.isPresent()) {
      whole.get().add(change);
    }
    if (used.addAndGet(change) > comfortable && change > 0) {
      onPressure.run();
    }
  }

  /** Whether it is time to make room. */
  public boolean isPressed() {
    return used.get() > comfortable;
  }

  boolean isExceeded() {
    return whole.isPresent() ? whole.get().isExceeded() : used.get() > bytes;
  }
}
