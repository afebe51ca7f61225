package io.jobworker.server.quota;

import static java.util.stream.Collectors.joining;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Allowance;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Stream;

/**
 * Bounds for some or all of what can be bounded. 0 is no bound, which is not the same as none given
 * here. Immutable.
 */
public final class Quotas {
  public static final Quotas NONE = new Quotas(Map.of());

  /** Everything that can be bounded, in the order in which it is listed. */
  private static final List<ClientBound> ALL =
      Stream.<ClientBound>concat(
              Arrays.stream(Quota.values()), Limit.withCeiling().stream().map(Ceiling::new))
          .toList();

  private static final String DEFAULT = "default";

  private final Map<ClientBound, Long> bounds;

  private Quotas(Map<ClientBound, Long> bounds) {
    this.bounds = Map.copyOf(bounds);
  }

  /** What a client may have, and the most of each limit that its jobs may ask for. */
  public static Quotas of(Map<Quota, Long> quotas, Limits ceilings) {
    Map<ClientBound, Long> bounds = new HashMap<>(quotas);
    ceilings.amounts().forEach((limit, most) -> bounds.put(new Ceiling(limit), most));
    return new Quotas(bounds);
  }

  /** The names of everything that can be bounded. */
  public static List<String> names() {
    return ALL.stream().map(ClientBound::toString).toList();
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
    Map<ClientBound, Long> changed = new HashMap<>(bounds);
    for (String setting : settings) {
      int equals = setting.indexOf('=');
      String name = setting.substring(0, Math.max(equals, 0));
      ClientBound bound =
          ALL.stream()
              .filter(one -> one.toString().equals(name))
              .findFirst()
              .orElseThrow(() ->
                  new IllegalArgumentException(
                      "'"
                          + setting
                          + "' is not QUOTA=VALUE, where QUOTA is one of "
                          + String.join(", ", names())));
      String value = setting.substring(equals + 1);
      if (value.equals(DEFAULT)) {
        changed.remove(bound);
      } else {
        changed.put(bound, bound.parse(value));
      }
    }
    return new Quotas(changed);
  }

  /** These, and where they give none, the others. */
  public Quotas orElse(Quotas others) {
    Map<ClientBound, Long> all = new HashMap<>(others.bounds);
    all.putAll(bounds);
    return new Quotas(all);
  }

  /** The most that is allowed; empty if there is no bound. */
  public OptionalLong of(ClientBound what) {
    long bound = bounds.getOrDefault(what, 0L);
    return bound == 0 ? OptionalLong.empty() : OptionalLong.of(bound);
  }

  /** What of these the library sees to. */
  public Allowance allowance() {
    Limits ceilings = Limits.NONE;
    for (Limit limit : Limit.withCeiling()) {
      OptionalLong most = of(new Ceiling(limit));
      if (most.isPresent()) {
        ceilings = ceilings.with(limit, most.getAsLong());
      }
    }
    return new Allowance(
        (int) of(Quota.RUNNING_JOBS).orElse(Integer.MAX_VALUE),
        ByteSize.of(of(Quota.RETAINED_OUTPUT).orElse(Long.MAX_VALUE)),
        ceilings);
  }

  /** As {@code client set} takes them, between blanks. */
  @Override
  public String toString() {
    return ALL.stream()
        .filter(bounds::containsKey)
        .map(bound -> bound + "=" + bound.unit().format(bounds.getOrDefault(bound, 0L)))
        .collect(joining(" "));
  }
}
