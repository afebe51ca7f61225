package io.jobworker.server.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A length of time as the configuration writes it: {@code 30s}, {@code 10m}, {@code 1h}, {@code
 * 7d}.
 */
public record Span(Duration value) {
  private static final Pattern SYNTAX = Pattern.compile("(\\d{1,9})(s|m|h|d)");

  /** Reads one; {@code 0} needs no unit. */
  @JsonCreator
  public static Span parse(String text) {
    Matcher matcher = SYNTAX.matcher(text);
    if (text.equals("0")) {
      return new Span(Duration.ZERO);
    }
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a length of time; write 30s, 10m, 1h or 7d");
    }
    long count = Long.parseLong(matcher.group(1));
    return new Span(
        switch (matcher.group(2)) {
          case "s" -> Duration.ofSeconds(count);
          case "m" -> Duration.ofMinutes(count);
          case "h" -> Duration.ofHours(count);
          default -> Duration.ofDays(count);
        });
  }
}
