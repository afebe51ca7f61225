package io.jobworker.core;

import io.jobworker.core.job.ByteSize;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Limits;
import java.util.Optional;
import java.util.OptionalInt;

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
    Limits limits =
        new Limits(
            number("cpu_millis", asked.cpuMillis(), defaults.cpuMillis(), ceilings.cpuMillis()),
            number("cpu_weight", asked.cpuWeight(), defaults.cpuWeight(), ceilings.cpuWeight()),
            size("memory_bytes", asked.memory(), defaults.memory(), ceilings.memory()),
            size(
                "memory_high_bytes",
                asked.memoryHigh(),
                defaults.memoryHigh(),
                ceilings.memoryHigh()),
            size("swap_bytes", asked.swap(), defaults.swap(), ceilings.swap()),
            number("pids", asked.pids(), defaults.pids(), ceilings.pids()),
            asked.io().isEmpty() ? defaults.io() : asked.io());
    return limits.equals(asked) ? spec : spec.withLimits(limits);
  }

  private static OptionalInt number(
      String field, OptionalInt asked, OptionalInt otherwise, OptionalInt ceiling) {
    if (asked.isPresent() && ceiling.isPresent() && asked.getAsInt() > ceiling.getAsInt()) {
      throw above(field, ceiling.getAsInt());
    }
    if (asked.isPresent() || otherwise.isEmpty()) {
      return asked.isPresent() ? asked : ceiling;
    }
    return ceiling.isPresent() && otherwise.getAsInt() > ceiling.getAsInt() ? ceiling : otherwise;
  }

  private static Optional<ByteSize> size(
      String field,
      Optional<ByteSize> asked,
      Optional<ByteSize> otherwise,
      Optional<ByteSize> ceiling) {
    if (asked.isPresent() && ceiling.isPresent() && asked.get().bytes() > ceiling.get().bytes()) {
      throw above(field, ceiling.get());
    }
    if (asked.isPresent() || otherwise.isEmpty()) {
      return asked.or(() -> ceiling);
    }
    return ceiling.filter(most -> otherwise.get().bytes() > most.bytes()).or(() -> otherwise);
  }

  private static JobException.InvalidSpec above(String field, Object ceiling) {
    return new JobException.InvalidSpec(
        "spec.limits." + field, "more than this server allows, which is " + ceiling);
  }
}
