package io.jobworker.cli.command;

import io.jobworker.base.words.OsString;
import java.nio.file.Path;
import picocli.CommandLine;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A word of characters, which is what can stand where the contract has a string. */
final class Text implements ITypeConverter<String> {
  private Text() {}

  /**
   * Has all options and parameters that are strings take characters only, and those that are paths
   * take any bytes; those with a converter of their own take what that takes.
   */
  static void requireIn(CommandLine line) {
    line.registerConverter(String.class, new Text());
    line.registerConverter(Path.class, Text::path);
  }

  @Override
  public String convert(String word) {
    OsString.firstInvalid(word)
        .ifPresent(at -> {
          throw new TypeConversionException(
              "'"
                  + OsString.escaped(word)
                  + "' must be UTF-8, which the byte at position "
                  + (at + 1)
                  + " is not");
        });
    return word;
  }

  private static Path path(String word) {
    try {
      return OsString.path(word);
    } catch (IllegalArgumentException e) {
      throw new TypeConversionException("'" + OsString.escaped(word) + "' is no path");
    }
  }
}
