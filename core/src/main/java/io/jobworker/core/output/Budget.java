package io.jobworker.core.output;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What the logs of all jobs together may keep on disk. A log that grows beyond it gives up its own
 * oldest segments; well before that, whoever can make room elsewhere is told. Thread-safe.
 */
public final class Budget {
  private final long bytes;
  private final long comfortable;
  private final Runnable onPressure;
  private final AtomicLong used = new AtomicLong();

  /**
   * @param onPressure called, again and again, by whoever adds something while seven eighths are
   *     used up; must not block
   */
  public Budget(long bytes, Runnable onPressure) {
    this.bytes = bytes;
    this.comfortable = bytes - bytes / 8;
    this.onPressure = onPressure;
  }

  /** One that nothing exceeds. */
  public static Budget unlimited() {
    return new Budget(Long.MAX_VALUE, () -> {});
  }

  /** So much more is kept now, or less. */
  public void add(long change) {
    if (used.addAndGet(change) > comfortable && change > 0) {
      onPressure.run();
    }
  }

  /** Whether it is time to make room. */
  public boolean isPressed() {
    return used.get() > comfortable;
  }

  boolean isExceeded() {
    return used.get() > bytes;
  }
}
