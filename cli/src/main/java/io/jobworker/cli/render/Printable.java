package io.jobworker.cli.render;

import io.jobworker.api.v1.JobSpec;
import io.jobworker.base.words.OsString;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Others' words as they can be shown: what would move a terminal's cursor, end a line or turn text
 * around stands there by its number.
 */
public final class Printable {
  private static final Pattern PLAIN_WORD = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

  private Printable() {}

  /** In one line. */
  public static String line(String text) {
    return escaped(text, "");
  }

  /** With its lines and tabs. */
  public static String text(String text) {
    return escaped(text, "\n\t");
  }

  /** A job's command as one could type it into a shell. */
  public static String command(JobSpec spec) {
    return command(
        spec.getRawCommandCount() == 0
            ? spec.getCommandList()
            : spec.getRawCommandList().stream()
                .map(word -> OsString.of(word.toByteArray()))
                .toList());
  }

  /** As one could type it into a shell. */
  public static String command(List<String> words) {
    return words.stream().map(Printable::word).collect(Collectors.joining(" "));
  }

  private static String word(String word) {
    if (PLAIN_WORD.matcher(word).matches()) {
      return word;
    }
    if (word.codePoints().anyMatch(Printable::isUnsafe)) {
      return "$'" + line(word.replace("\\", "\\\\").replace("'", "\\'")) + "'";
    }
    return "'" + word.replace("'", "'\\''") + "'";
  }

  private static String escaped(String text, String allowed) {
    if (text.codePoints().noneMatch(c -> isUnsafe(c) && allowed.indexOf(c) < 0)) {
      return text;
    }
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          if (!isUnsafe(c) || allowed.indexOf(c) >= 0) {
            shown.appendCodePoint(c);
          } else {
            shown.append(escape(c));
          }
        });
    return shown.toString();
  }

  private static String escape(int c) {
    return switch (c) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default ->
          Character.getType(c) == Character.SURROGATE
              ? OsString.escaped(Character.toString(c)) // a byte that is no UTF-8
              : String.format(Locale.ROOT, c < 0x80 ? "\\x%02x" : "\\u%04x", c);
    };
  }

  /** Control characters, line ends, and marks that have no width or change the direction. */
  private static boolean isUnsafe(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      default -> false;
    };
  }
}
