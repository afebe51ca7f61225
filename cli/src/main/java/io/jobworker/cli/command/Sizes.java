package io.jobworker.cli.command;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads {@code 4096}, {@code 64K}, {@code 256M}, {@code 2G}: binary units. */
final class Sizes implements ITypeConverter<Long> {
  private static final Pattern TEXT = Pattern.compile("(\\d{1,18})([KMGT]?)(IB|B)?");

  @Override
  public Long convert(String text) {
    Matcher matcher = TEXT.matcher(text.strip().toUpperCase(Locale.ROOT));
    if (matcher.matches()) {
      int power = matcher.group(2).isEmpty() ? 0 : "KMGT".indexOf(matcher.group(2)) + 1;
      try {
        return Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << (10 * power));
      } catch (ArithmeticException e) {
        // said below
      }
    }
    throw new TypeConversionException(
        "'" + text + "' is not a size; write a whole number with K, M, G or T, as in 64M");
  }
}
