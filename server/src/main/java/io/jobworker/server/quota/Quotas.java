package io.jobworker.server.quota;

import static java.util.stream.Collectors.joining;

import io.jobworker.core.job.Allowance;
import io.jobworker.core.job.ByteSize;
import io.jobworker.core.job.Limits;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Bounds for some or all of what can be bounded. 0 is no bound, which is not the same as none given
 * here. Immutable.
 */
public final class Quotas {
  public static final Quotas NONE = new Quotas(Map.of());

  private static final String DEFAULT = "default";

  private final Map<Quota, Long> bounds;

  private Quotas(Map<Quota, Long> bounds) {
    this.bounds = Map.copyOf(bounds);
  }

  public static Quotas of(Map<Quota, Long> bounds) {
    return new Quotas(bounds);
  }

  /** Reads what {@link #toString} writes. */
  public static Quotas parse(String text) {
    return text.isEmpty() ? NONE : NONE.with(Arrays.asList(text.split(" ")));
  }

  /**
   * These, but for what {@code settings} say: {@code running-jobs=10}, or {@code
   * running-jobs=default} to give none.
   *
   * @throws IllegalArgumentException if one cannot be read, with what can
   */
  public Quotas with(List<String> settings) {
    Map<Quota, Long> changed = new EnumMap<>(Quota.class);
    changed.putAll(bounds);
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      Quota quota =
          Quota.named(setting.substring(0, Math.max(equals, 0)))
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "'" + setting + "' is not QUOTA=VALUE, where QUOTA is one of " + names()));
      String value = setting.substring(equals + 1);
      if (value.equals(DEFAULT)) {
        changed.remove(quota);
      } else {
        changed.put(quota, quota.parse(value));
      }
    }
    return new Quotas(changed);
  }

  /** These, and where they give none, the others. */
  public Quotas orElse(Quotas others) {
    Map<Quota, Long> all = new EnumMap<>(Quota.class);
    all.putAll(others.bounds);
    all.putAll(bounds);
    return new Quotas(all);
  }

  /** The most that is allowed; empty if there is no bound. */
  public OptionalLong of(Quota quota) {
    long bound = bounds.getOrDefault(quota, 0L);
    return bound == 0 ? OptionalLong.empty() : OptionalLong.of(bound);
  }

  /** What of these the library sees to. */
  public Allowance allowance() {
    Limits.Builder ceilings = Limits.builder();
    of(Quota.MAX_CPU_MILLIS).ifPresent(value -> ceilings.cpuMillis((int) value));
    of(Quota.MAX_MEMORY).ifPresent(value -> ceilings.memory(ByteSize.of(value)));
    of(Quota.MAX_MEMORY_HIGH).ifPresent(value -> ceilings.memoryHigh(ByteSize.of(value)));
    of(Quota.MAX_PIDS).ifPresent(value -> ceilings.pids((int) value));
    return new Allowance(
        (int) of(Quota.RUNNING_JOBS).orElse(Integer.MAX_VALUE),
        ByteSize.of(of(Quota.RETAINED_OUTPUT).orElse(Long.MAX_VALUE)),
        ceilings.build());
  }

  private static String names() {
    return Arrays.stream(Quota.values()).map(Quota::toString).collect(joining(", "));
  }

  /** As {@code client set} takes them, between blanks. */
  @Override
  public String toString() {
    return bounds.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .map(bound -> bound.getKey() + "=" + bound.getKey().format(bound.getValue()))
        .collect(joining(" "));
  }
}
