package io.jobworker.base.units;

import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Lengths of time as people write them. */
public final class Durations {
  private static final Pattern PART = Pattern.compile("(\\d{1,12})(ms|s|m|h|d)?");

  private Durations() {}

  /**
   * Reads {@code 500ms}, {@code 10s}, {@code 1m30s}, {@code 2h}, {@code 7d}, or a number of
   * seconds.
   *
   * @throws IllegalArgumentException with what is wrong with the text, and how to write it
   */
  public static Duration parse(String text) {
    String plain = text.strip().toLowerCase(Locale.ROOT);
    Matcher matcher = PART.matcher(plain);
    Duration sum = Duration.ZERO;
    int at = 0;
    while (matcher.find() && matcher.start() == at) {
      try {
        sum = sum.plus(part(Long.parseLong(matcher.group(1)), matcher.group(2)));
        var _ = sum.toMillis(); // whoever takes it counts in these
      } catch (ArithmeticException e) {
        throw new IllegalArgumentException("'" + text + "' is too long", e);
      }
      at = matcher.end();
    }
    if (at == 0 || at != plain.length()) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a duration; write 500ms, 10s, 1m30s, 2h or 7d");
    }
    return sum;
  }

  private static Duration part(long count, @Nullable String unit) {
    return switch (unit) {
      case "ms" -> Duration.ofMillis(count);
      case "m" -> Duration.ofMinutes(count);
      case "h" -> Duration.ofHours(count);
      case "d" -> Duration.ofDays(count);
      case null, default -> Duration.ofSeconds(count);
    };
  }
}
