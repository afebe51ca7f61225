package io.jobworker.cli.command;

import com.google.protobuf.Duration;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads {@code 500ms}, {@code 10s}, {@code 1m30s}, {@code 2h}, {@code 1d}, or a number of seconds.
 */
final class Durations implements ITypeConverter<Duration> {
  private static final Pattern PART = Pattern.compile("(\\d{1,12})(ms|s|m|h|d)?");

  @Override
  public Duration convert(String text) {
    long millis = 0;
    Matcher matcher = PART.matcher(text.strip().toLowerCase(Locale.ROOT));
    int at = 0;
    while (matcher.find() && matcher.start() == at) {
      String unit = matcher.group(2) == null ? "s" : matcher.group(2);
      try {
        millis =
            Math.addExact(
                millis, Math.multiplyExact(Long.parseLong(matcher.group(1)), millisOf(unit)));
      } catch (ArithmeticException e) {
        throw new TypeConversionException("'" + text + "' is too long");
      }
      at = matcher.end();
    }
    if (at == 0 || at != text.strip().length()) {
      throw new TypeConversionException(
          "'" + text + "' is not a duration; write 500ms, 10s, 1m30s");
    }
    return Duration.newBuilder()
        .setSeconds(millis / 1000)
        .setNanos((int) (millis % 1000) * 1_000_000)
        .build();
  }

  private static long millisOf(String unit) {
    return switch (unit) {
      case "ms" -> 1;
      case "s" -> 1000;
      case "m" -> 60_000;
      case "h" -> 3_600_000;
      default -> 86_400_000;
    };
  }
}
