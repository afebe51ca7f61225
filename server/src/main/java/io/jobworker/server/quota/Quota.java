package io.jobworker.server.quota;

import io.jobworker.core.job.ByteSize;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** What can be bounded for a client, by the names that {@code client set} knows. */
public enum Quota {
  RUNNING_JOBS,
  STARTS_PER_SECOND,
  /** Calls under way at once, but for those that stream. */
  CALLS,
  /** Streams of output and of usage that are open at once. */
  STREAMS,
  CONNECTIONS,
  RETAINED_OUTPUT(true),
  MAX_CPU_MILLIS,
  MAX_MEMORY(true),
  MAX_MEMORY_HIGH(true),
  MAX_PIDS;

  private static final long MAX_COUNT = 1_000_000_000;

  private final boolean size;

  Quota() {
    this(false);
  }

  Quota(boolean size) {
    this.size = size;
  }

  static Optional<Quota> named(String name) {
    return Arrays.stream(values()).filter(quota -> quota.toString().equals(name)).findFirst();
  }

  /** A value as it is written: a number, or a size such as {@code 64M}. */
  long parse(String text) {
    try {
      long value = size ? ByteSize.parse(text).bytes() : Long.parseLong(text);
      if (value >= 0 && (size || value <= MAX_COUNT)) {
        return value;
      }
    } catch (IllegalArgumentException e) {
      // said below
    }
    throw new IllegalArgumentException(
        this
            + ": '"
            + text
            + "' is not "
            + (size ? "a size; write 512M, 20G" : "a number from 0 to " + MAX_COUNT));
  }

  String format(long value) {
    return size ? ByteSize.of(value).toString() : Long.toString(value);
  }

  /** As the configuration writes it: {@code running-jobs}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
