package io.jobworker.core.job;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * The table of what limits a job, by one amount each. Everything that checks, stores, configures,
 * sends or enforces limits goes over this table. The names are in files, in the wire's contract and
 * in databases: a row is never renamed. The order is that in which limits are checked, enforced and
 * listed.
 *
 * <p>Disk I/O is not in it, because it is limited for each device: {@link Limits.IoLimit}.
 */
public enum Limit implements Field {
  /** Thousandths of a CPU: 1500 is one and a half. */
  CPU_MILLIS(Unit.NUMBER, 1, 10_000_000, Ceiling.POSSIBLE),

  /** The share against other jobs when CPU is short. */
  CPU_WEIGHT(Unit.NUMBER, 1, 10_000, Ceiling.NEVER),

  /** The hard limit; beyond it the kernel kills the job as a whole. */
  MEMORY(Unit.BYTES, 1 << 20, Long.MAX_VALUE, Ceiling.POSSIBLE),

  /** Where the kernel starts to slow the job down and to reclaim. */
  MEMORY_HIGH(Unit.BYTES, 0, Long.MAX_VALUE, Ceiling.POSSIBLE),

  /** Of swap, beside memory; 0 is none. */
  SWAP(Unit.BYTES, 0, Long.MAX_VALUE, Ceiling.NEVER),

  /** How many processes and threads. */
  PIDS(Unit.NUMBER, 1, 4_000_000, Ceiling.POSSIBLE),

  /** Of files in the job's own directory, which then is the only one that it has. */
  DISK(Unit.BYTES, 1 << 20, Long.MAX_VALUE, Ceiling.POSSIBLE);

  private static final List<Limit> WITH_CEILING =
      Arrays.stream(values()).filter(limit -> limit.ceiling == Ceiling.POSSIBLE).toList();

  /** Whether a service configures a default and a ceiling for it. */
  private enum Ceiling {
    POSSIBLE,
    NEVER
  }

  private final Unit unit;
  private final long least;
  private final long most;
  private final Ceiling ceiling;

  Limit(Unit unit, long least, long most, Ceiling ceiling) {
    this.unit = unit;
    this.least = least;
    this.most = most;
    this.ceiling = ceiling;
  }

  public Unit unit() {
    return unit;
  }

  /** Those for which a service may set a default and a ceiling. */
  public static List<Limit> withCeiling() {
    return WITH_CEILING;
  }

  /**
   * Refuses an amount that no job can have.
   *
   * @throws JobException.InvalidSpec if it is out of this limit's bounds
   */
  void requireWithin(long amount) {
    if (!isPossible(amount)) {
      throw new JobException.InvalidSpec(this, bounds());
    }
  }

  /** Whether a job can have so much. */
  public boolean isPossible(long amount) {
    return amount >= least && amount <= most;
  }

  /** What a job can have, for people. */
  public String bounds() {
    return most == Long.MAX_VALUE
        ? "at least " + unit.format(least)
        : "from " + unit.format(least) + " to " + unit.format(most);
  }

  /** Its name beside a bare number, with the unit in it: {@code memory_bytes}. */
  public String nameWithUnit() {
    String name = name().toLowerCase(Locale.ROOT);
    return switch (unit) {
      case NUMBER -> name;
      case BYTES -> name + "_bytes";
    };
  }

  /** As configurations write it: {@code memory-high}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
