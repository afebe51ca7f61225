package io.jobworker.server.quota;

import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Unit;

/** The most of a limit that any job of a client may ask for. */
public record Ceiling(Limit limit) implements ClientBound {
  @Override
  public Unit unit() {
    return limit.unit();
  }

  /** {@code max-memory}. */
  @Override
  public String toString() {
    return "max-" + limit;
  }
}
