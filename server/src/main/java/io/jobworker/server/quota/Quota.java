package io.jobworker.server.quota;

import io.jobworker.core.job.Unit;
import java.util.Locale;

/**
 * The table of what a client may have of the server. Everything that configures, stores, sets or
 * lists quotas goes over this table. The names are in configurations and databases: a row is never
 * renamed.
 */
public enum Quota implements ClientBound {
  RUNNING_JOBS(Unit.NUMBER),

  /** In the long run. */
  STARTS_PER_SECOND(Unit.NUMBER),

  /** Calls under way at once, but for those that stream. */
  CALLS(Unit.NUMBER),

  /** Streams of output, usage, input and changes that are open at once, and waits for ends. */
  STREAMS(Unit.NUMBER),

  CONNECTIONS(Unit.NUMBER),

  /** How much output of its jobs may be kept when another is started. */
  RETAINED_OUTPUT(Unit.BYTES);

  private final Unit unit;

  Quota(Unit unit) {
    this.unit = unit;
  }

  @Override
  public Unit unit() {
    return unit;
  }

  /** As the configuration writes it: {@code running-jobs}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
