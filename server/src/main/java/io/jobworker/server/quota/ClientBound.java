package io.jobworker.server.quota;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Unit;

/**
 * What can be bounded for a client. Its text is the name that {@code client set} and the database
 * have for it.
 */
public sealed interface ClientBound permits Quota, Ceiling {
  Unit unit();

  /**
   * Reads a bound as it is written: a number, or a size such as {@code 64M}.
   *
   * @throws IllegalArgumentException if it is neither, with what can be written
   */
  default long parse(String text) {
    long value = read(text);
    if (value != 0 && this instanceof Ceiling(Limit limit) && !limit.isPossible(value)) {
      throw new IllegalArgumentException(
          "%s: no job can have %s: %s, or 0 for no ceiling"
              .formatted(this, unit().format(value), limit.bounds()));
    }
    return value;
  }

  private long read(String text) {
    long maxCount = 1_000_000_000;
    try {
      switch (unit()) {
        case NUMBER -> {
          long value = Long.parseLong(text);
          if (value >= 0 && value <= maxCount) {
            return value;
          }
        }
        case BYTES -> {
          return ByteSize.parse(text).bytes();
        }
      }
    } catch (IllegalArgumentException e) {
      // The exception below says what can be written.
    }
    throw new IllegalArgumentException(
        "%s: '%s' is not %s"
            .formatted(
                this,
                text,
                switch (unit()) {
                  case NUMBER -> "a number from 0 to " + maxCount;
                  case BYTES -> "a size; write 512M, 20G";
                }));
  }
}
