package io.jobworker.base.units;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Lengths of time as people write them. */
public final class Durations {
  private static final Pattern PART = Pattern.compile("(\\d{1,12}(?:\\.\\d{1,9})?)(ms|s|m|h|d)?");

  private Durations() {}

  /**
   * Reads {@code 500ms}, {@code 10s}, {@code 1m30s}, {@code 1.5h}, {@code 7d}, or a number of
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
        sum = sum.plus(part(new BigDecimal(matcher.group(1)), matcher.group(2)));
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

  private static Duration part(BigDecimal count, @Nullable String unit) {
    Duration one =
        switch (unit) {
          case "ms" -> Duration.ofMillis(1);
          case "m" -> Duration.ofMinutes(1);
          case "h" -> Duration.ofHours(1);
          case "d" -> Duration.ofDays(1);
          case null, default -> Duration.ofSeconds(1);
        };
    BigInteger nanos = count.multiply(BigDecimal.valueOf(one.toNanos())).toBigInteger();
    BigInteger[] parts = nanos.divideAndRemainder(BigInteger.valueOf(1_000_000_000));
    return Duration.ofSeconds(parts[0].longValueExact(), parts[1].longValueExact());
  }
}
