package io.jobworker.core.job;

import io.jobworker.base.units.ByteSize;

/** What an amount counts. */
public enum Unit {
  NUMBER,
  BYTES;

  /** The amount for people: {@code 1500}, {@code 64MiB}. */
  public String format(long amount) {
    return switch (this) {
      case NUMBER -> Long.toString(amount);
      case BYTES -> ByteSize.of(amount).toString();
    };
  }
}
