package io.jobworker.core.job;

import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import io.jobworker.base.units.ByteSize;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * What a job may use, enforced by the kernel from its first instruction. What is missing is not
 * limited.
 *
 * @param amounts in the units of their limits, and in the order of {@link Limit}
 * @param io by device
 */
public record Limits(Map<Limit, Long> amounts, List<IoLimit> io) {
  public static final Limits NONE = new Limits(Map.of(), List.of());

  private static final String IO = "io";

  public Limits {
    Map<Limit, Long> ordered = new EnumMap<>(Limit.class);
    ordered.putAll(amounts);
    amounts = Collections.unmodifiableMap(ordered);
    io = List.copyOf(io);
  }

  /**
   * Limits for the device behind a path; 0 is no limit.
   *
   * @param path any path on the device; empty: that of the working directory
   */
  public record IoLimit(String path, long readBps, long writeBps, long readIops, long writeIops) {}

  /** The amount in the unit of the limit; empty if there is no such limit. */
  public OptionalLong of(Limit limit) {
    Long amount = amounts.get(limit);
    return amount == null ? OptionalLong.empty() : OptionalLong.of(amount);
  }

  /** These, with {@code amount} for one of them, in its unit. */
  public Limits with(Limit limit, long amount) {
    Map<Limit, Long> changed = new EnumMap<>(Limit.class);
    changed.putAll(amounts);
    changed.put(limit, amount);
    return new Limits(changed, io);
  }

  /**
   * These, with {@code size} for one of them.
   *
   * @throws IllegalArgumentException if that does not count bytes
   */
  public Limits with(Limit limit, ByteSize size) {
    if (limit.unit() != Unit.BYTES) {
      throw new IllegalArgumentException(limit + " does not count bytes");
    }
    return with(limit, size.bytes());
  }

  /** These but one. */
  public Limits without(Limit limit) {
    Map<Limit, Long> changed = new EnumMap<>(Limit.class);
    changed.putAll(amounts);
    changed.remove(limit);
    return new Limits(changed, io);
  }

  /** These, and one for a device. */
  public Limits with(IoLimit added) {
    List<IoLimit> all = new ArrayList<>(io);
    all.add(added);
    return new Limits(amounts, all);
  }

  /** Databases hold jobs in this form: a member for each limit, which is null if it is not set. */
  @JsonValue
  Map<String, @Nullable Object> toJson() {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    for (Limit limit : Limit.values()) {
      members.put(member(limit), amounts.get(limit));
    }
    members.put(IO, io);
    return members;
  }

  /** Reads what {@link #toJson} makes, or made before a limit was there, or when another was. */
  @JsonCreator
  static Limits fromJson(
      @JsonProperty(IO) List<IoLimit> io, @JsonAnySetter Map<String, @Nullable Object> members) {
    Map<Limit, Long> amounts = new EnumMap<>(Limit.class);
    for (Limit limit : Limit.values()) {
      Object amount = members.get(member(limit));
      if (amount instanceof Number number) {
        amounts.put(limit, number.longValue());
      } else if (amount != null) {
        throw new IllegalArgumentException(member(limit) + " is not a number");
      }
    }
    return new Limits(amounts, io);
  }

  /** {@code cpuMillis}. */
  private static String member(Limit limit) {
    StringBuilder name = new StringBuilder();
    for (String word : limit.name().toLowerCase(Locale.ROOT).split("_")) {
      name.append(
          name.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
    }
    return name.toString();
  }
}
