package io.jobworker.base.units;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of bytes, not negative. Its text form takes the binary units K, M, G and T. */
public record ByteSize(@JsonValue long bytes) {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,18})\\s*([KMGT]?)(IB|B)?");
  private static final String UNITS = "KMGT";

  public ByteSize {
    if (bytes < 0) {
      throw new IllegalArgumentException("a size must not be negative: " + bytes);
    }
  }

  @JsonCreator
  public static ByteSize of(long bytes) {
    return new ByteSize(bytes);
  }

  public static ByteSize ofMebibytes(long mebibytes) {
    return new ByteSize(Math.multiplyExact(mebibytes, 1L << 20));
  }

  /**
   * Reads {@code 4096}, {@code 64K}, {@code 64KiB}; {@code 1.5} is not one.
   *
   * @throws IllegalArgumentException with what is wrong with the text, and how to write it
   */
  @JsonCreator
  public static ByteSize parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip().toUpperCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a size; write a whole number with K, M, G or T, as in 64M");
    }
    int power = matcher.group(2).isEmpty() ? 0 : UNITS.indexOf(matcher.group(2)) + 1;
    try {
      return new ByteSize(Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << (10 * power)));
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException("'" + text + "' is too large a size", e);
    }
  }

  @Override
  public String toString() {
    int power = 0;
    long value = bytes;
    while (power < UNITS.length() && value != 0 && value % 1024 == 0) {
      value /= 1024;
      power++;
    }
    return power == 0 ? value + "B" : value + "" + UNITS.charAt(power - 1) + "iB";
  }
}
