package io.jobworker.base.units;

import java.math.BigDecimal;
import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.util.Locale;
import java.util.regex.Pattern;

/** Points in time as people and programs write them. */
public final class Moments {
  private static final Pattern UNIX = Pattern.compile("\\d{1,12}(\\.\\d{1,9})?");
  private static final String AGO = " ago";

  private Moments() {}

  /**
   * Reads {@code 2026-01-31T12:00:00Z}, the same with an offset or in local time, {@code
   * 2026-01-31}, seconds since 1970 as in {@code 1700000000}, how long ago as in {@code 15m},
   * {@code today} and {@code now}. A number alone is a moment and no duration, as for docker.
   *
   * @param clock tells what is now, and which zone is local
   * @throws IllegalArgumentException with what is wrong with the text, and how to write it
   */
  public static Instant parse(String text, Clock clock) {
    String plain = text.strip().toUpperCase(Locale.ROOT);
    try {
      return switch (plain) {
        case "NOW" -> clock.instant();
        case "TODAY" -> startOf(LocalDate.now(clock), clock);
        default -> UNIX.matcher(plain).matches() ? unix(plain) : calendarOrAgo(plain, clock);
      };
    } catch (IllegalArgumentException | DateTimeException | ArithmeticException e) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is no time; write 2026-01-31T12:00:00Z, 2026-01-31, 1700000000, today, or 15m"
              + " for 15 minutes ago",
          e);
    }
  }

  private static Instant unix(String seconds) {
    BigDecimal value = new BigDecimal(seconds);
    long whole = value.longValue();
    return Instant.ofEpochSecond(
        whole, value.subtract(BigDecimal.valueOf(whole)).movePointRight(9).longValueExact());
  }

  private static Instant calendarOrAgo(String plain, Clock clock) {
    int time = plain.indexOf('T');
    boolean isDate = plain.length() >= 10 && plain.charAt(4) == '-';
    if (!isDate) {
      String length = plain.toLowerCase(Locale.ROOT);
      return clock.instant().minus(ago(length));
    }
    String iso = time < 0 ? plain.replace(' ', 'T') : plain;
    if (iso.indexOf('T') < 0) {
      return startOf(LocalDate.parse(iso), clock);
    }
    boolean hasZone = iso.endsWith("Z") || iso.indexOf('+') > 0 || iso.lastIndexOf('-') > 10;
    return hasZone
        ? OffsetDateTime.parse(iso).toInstant()
        : LocalDateTime.parse(iso).atZone(clock.getZone()).toInstant();
  }

  private static Duration ago(String length) {
    return Durations.parse(
        length.endsWith(AGO) ? length.substring(0, length.length() - AGO.length()) : length);
  }

  private static Instant startOf(LocalDate day, Clock clock) {
    return day.atStartOfDay(clock.getZone()).toInstant();
  }
}
