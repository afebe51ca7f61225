package io.jobworker.base.linux;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file descriptor with one owner. Closing is idempotent and happens once, so that a number
 * which the kernel has given to someone else meanwhile is never closed. Thread-safe as far as that;
 * whoever uses the descriptor makes sure that nobody closes it at the same time.
 */
public final class Fd implements AutoCloseable {
  private static final int CLOSED = -1;

  private final AtomicInteger number;
  private final String name;

  Fd(int number, String name) {
    this.number = new AtomicInteger(number);
    this.name = name;
  }

  /** The descriptor's number. Throws {@link IllegalStateException} after {@link #close}. */
  public int number() {
    int now = number.get();
    if (now == CLOSED) {
      throw new IllegalStateException("closed: " + name);
    }
    return now;
  }

  public boolean isOpen() {
    return number.get() != CLOSED;
  }

  @Override
  public void close() {
    int now = number.getAndSet(CLOSED);
    if (now != CLOSED) {
      FileCalls.close(now);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
