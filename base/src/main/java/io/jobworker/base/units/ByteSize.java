package io.jobworker.base.units;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A number of bytes, not negative. Its text form takes the binary units K, M, G, T, P and E. */
public record ByteSize(@JsonValue long bytes) {
  private static final Pattern TEXT =
      Pattern.compile(
          "(?<whole>\\d{1,19})\\s*B?"
              + "|(?<number>\\d{1,19}(\\.\\d{1,9})?)\\s*(?<unit>[KMGTPE])(I|I?B)?");

  private static final String UNITS = "KMGTPE";

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
   * Reads {@code 4096}, {@code 64K}, {@code 1.5G}, {@code 256Mi}, {@code 64KiB}, {@code 1GB}, all
   * of them binary. What is left of a part of a byte is cut off.
   *
   * @throws IllegalArgumentException with what is wrong with the text, and how to write it
   */
  @JsonCreator
  public static ByteSize parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip().toUpperCase(Locale.ROOT));
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a size; write a number with K, M, G or T, as in 64M or 1.5G");
    }
    try {
      String whole = matcher.group("whole");
      return new ByteSize(
          whole == null
              ? binary(matcher.group("number"), matcher.group("unit"))
              : Long.parseLong(whole));
    } catch (ArithmeticException | NumberFormatException e) {
      throw new IllegalArgumentException("'" + text + "' is too large a size", e);
    }
  }

  private static long binary(String number, String unit) {
    BigDecimal factor = BigDecimal.valueOf(1L << (10 * (UNITS.indexOf(unit) + 1)));
    return new BigDecimal(number).multiply(factor).setScale(0, RoundingMode.DOWN).longValueExact();
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
