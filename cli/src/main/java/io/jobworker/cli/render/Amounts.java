package io.jobworker.cli.render;

import com.google.protobuf.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;

/** Sizes and times as they are read at a glance. */
public final class Amounts {
  private static final String UNITS = "KMGTPE";

  private Amounts() {}

  /** {@code 0}, {@code 512}, {@code 1.2M}, {@code 112M}: binary throughout. */
  public static String size(long bytes) {
    double value = bytes < 0 ? bytes + 0x1p64 : bytes; // protobuf's uint64
    int unit = -1;
    while (value >= 999.5 && unit < UNITS.length() - 1) {
      value /= 1024;
      unit++;
    }
    if (unit < 0) {
      return Long.toString(bytes);
    }
    String number = String.format(Locale.ROOT, value < 99.95 ? "%.1f" : "%.0f", value);
    return (number.endsWith(".0") ? number.substring(0, number.length() - 2) : number)
        + UNITS.charAt(unit);
  }

  /** In its largest unit: {@code 5s}, {@code 3m}, {@code 2d}. */
  public static String age(Duration time) {
    Duration shown = time.isNegative() ? Duration.ZERO : time;
    if (shown.toDays() > 0) {
      return shown.toDays() + "d";
    }
    if (shown.toHours() > 0) {
      return shown.toHours() + "h";
    }
    return shown.toMinutes() > 0 ? shown.toMinutes() + "m" : shown.toSeconds() + "s";
  }

  /** In its two largest units: {@code 0.4s}, {@code 3m12s}, {@code 2d5h}. */
  public static String duration(Duration time) {
    Duration shown = time.isNegative() ? Duration.ZERO : time;
    if (shown.toDays() > 0) {
      return shown.toDays() + "d" + part(shown.toHoursPart(), "h");
    }
    if (shown.toHours() > 0) {
      return shown.toHours() + "h" + part(shown.toMinutesPart(), "m");
    }
    if (shown.toMinutes() > 0) {
      return shown.toMinutes() + "m" + part(shown.toSecondsPart(), "s");
    }
    String seconds = String.format(Locale.ROOT, "%.1f", shown.toMillis() / 1000.0);
    return (seconds.endsWith(".0") ? seconds.substring(0, seconds.length() - 2) : seconds) + "s";
  }

  private static String part(int count, String unit) {
    return count == 0 ? "" : count + unit;
  }

  public static Instant instant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  public static Duration duration(com.google.protobuf.Duration time) {
    return Duration.ofSeconds(time.getSeconds(), time.getNanos());
  }
}
