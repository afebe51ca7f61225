package io.jobworker.cli.render;

import java.util.OptionalInt;
import java.util.regex.Pattern;

/** A line that goes on in the next, further in, where a terminal is too narrow for it. */
final class Folded {
  private static final Pattern COLORS = Pattern.compile("\033\\[[0-9;]*m"); // take no room
  private static final int MIN_ROOM = 16; // for text; what is narrower folds as it likes

  private final StringBuilder text = new StringBuilder();
  private final int room;
  private final int indent;
  private int used;

  private Folded(int room, int indent) {
    this.room = room;
    this.indent = indent;
  }

  /** Folds at blanks, and in the middle of a word only where one alone is too wide. */
  static String of(String line, OptionalInt columns, int indent) {
    if (columns.isEmpty() || columns.getAsInt() < indent + MIN_ROOM) {
      return line;
    }
    Folded folded = new Folded(columns.getAsInt(), indent);
    for (String part : line.splitWithDelimiters(" +", 0)) {
      folded.append(part);
    }
    return folded.text.toString().stripTrailing();
  }

  private void append(String part) {
    int width = Table.width(COLORS.matcher(part).replaceAll(""));
    if (used + width <= room) {
      text.append(part);
      used += width;
    } else if (part.isBlank()) {
      breakLine();
    } else {
      if (used > indent) {
        breakLine();
      }
      if (width <= room - indent) {
        text.append(part);
        used += width;
      } else {
        part.codePoints().forEach(this::append);
      }
    }
  }

  private void append(int c) {
    int width = Table.width(Character.toString(c));
    if (used + width > room) {
      breakLine();
    }
    text.appendCodePoint(c);
    used += width;
  }

  private void breakLine() {
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == ' ') {
      end--;
    }
    text.setLength(end); // no line ends with a blank
    text.append('\n').repeat(' ', indent);
    used = indent;
  }
}
