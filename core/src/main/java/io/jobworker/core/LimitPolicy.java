package io.jobworker.core;

import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.util.OptionalLong;

/** Puts a service's defaults and ceilings on what a job asks for. */
final class LimitPolicy {
  private LimitPolicy() {}

  /**
   * The spec with its limits as they are to be enforced: what it does not ask for is the default's,
   * and at most the ceiling's.
   *
   * @throws JobException.InvalidSpec if it asks for more than a ceiling
   */
  static JobSpec apply(JobSpec spec, Limits defaults, Limits ceilings) {
    Limits asked = spec.limits();
    Limits limits = new Limits(asked.amounts(), asked.io().isEmpty() ? defaults.io() : asked.io());
    for (Limit limit : Limit.values()) {
      OptionalLong ceiling = ceilings.of(limit);
      OptionalLong amount =
          asked.of(limit).isPresent()
              ? upTo(limit, asked.of(limit).getAsLong(), ceiling)
              : lower(defaults.of(limit), ceiling);
      if (amount.isPresent()) {
        limits = limits.with(limit, amount.getAsLong());
      }
    }
    return limits.equals(asked) ? spec : spec.withLimits(limits);
  }

  private static OptionalLong upTo(Limit limit, long asked, OptionalLong ceiling) {
    if (ceiling.isPresent() && asked > ceiling.getAsLong()) {
      throw new JobException.InvalidSpec(
          limit, "is above your ceiling of " + limit.unit().format(ceiling.getAsLong()));
    }
    return OptionalLong.of(asked);
  }

  private static OptionalLong lower(OptionalLong a, OptionalLong b) {
    return a.isEmpty() || (b.isPresent() && b.getAsLong() < a.getAsLong()) ? b : a;
  }
}
