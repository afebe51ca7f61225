package io.jobworker.cli.render;

import io.jobworker.cli.render.Screen.Color;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Rows under headings, two blanks apart. Where there is too little room, the last column gives way
 * first, then the widest, and what is cut ends with an ellipsis; no line is longer than the room.
 */
public final class Table {
  private static final int GAP = 2;
  private static final int MIN_WIDTH = 4; // of a column that gives way
  private static final String ELLIPSIS = "…";

  /** What stands in one place; its text has no control characters. */
  public record Cell(String text, Color color) {
    public static Cell of(String text) {
      return new Cell(text, Color.NONE);
    }
  }

  private static final int MIN_NAME_WIDTH = 8; // beside figures

  private final boolean figures;
  private final List<String> headings;
  private final List<List<Cell>> rows = new ArrayList<>();

  public Table(String... headings) {
    this(false, List.of(headings));
  }

  private Table(boolean figures, List<String> headings) {
    this.figures = figures;
    this.headings = headings;
  }

  /**
   * Ids, names and figures: these are not cut, but left out from the last column on, when the names
   * have given way.
   */
  public static Table ofFigures(String... headings) {
    return new Table(true, List.of(headings));
  }

  /** Adds a row with a cell for each heading. */
  public void add(List<Cell> row) {
    if (row.size() != headings.size()) {
      throw new IllegalArgumentException("a cell for each heading");
    }
    rows.add(List.copyOf(row));
  }

  /** All lines, the headings first. */
  public List<String> lines(Screen screen, OptionalInt room) {
    int[] widths = widths();
    room.ifPresent(columns -> fit(widths, columns, figures));
    List<String> lines = new ArrayList<>();
    lines.add(line(headings.stream().map(Cell::of).toList(), widths, screen));
    rows.forEach(row -> lines.add(line(row, widths, screen)));
    return lines;
  }

  private int[] widths() {
    int[] widths = new int[headings.size()];
    for (int i = 0; i < widths.length; i++) {
      widths[i] = width(headings.get(i));
      for (List<Cell> row : rows) {
        widths[i] = Math.max(widths[i], width(row.get(i).text()));
      }
    }
    return widths;
  }

  /** Takes from the last column first, then from the widest; what has no room at all goes. */
  private static void fit(int[] widths, int room, boolean figures) {
    int excess = -GAP - room;
    for (int width : widths) {
      excess += width + GAP;
    }
    if (figures) {
      excess -= narrow(widths, 1, excess, MIN_NAME_WIDTH);
    } else {
      excess -= narrow(widths, widths.length - 1, excess, MIN_WIDTH);
      for (int i = widest(widths); excess > 0 && widths[i] > MIN_WIDTH; i = widest(widths)) {
        excess -= narrow(widths, i, 1, MIN_WIDTH);
      }
    }
    for (int i = widths.length - 1; i > 0 && excess > 0; i--) {
      excess -= widths[i] + GAP;
      widths[i] = 0;
    }
    widths[0] = Math.min(widths[0], room);
  }

  /** Takes so much of a column, if it stays as wide as {@code min}; answers how much it took. */
  private static int narrow(int[] widths, int column, int wanted, int min) {
    int given = Math.min(Math.max(0, wanted), Math.max(0, widths[column] - min));
    widths[column] -= given;
    return given;
  }

  /** Ids apart, of which a part means nothing; of several the last. */
  private static int widest(int[] widths) {
    int widest = widths.length - 1;
    for (int i = widest; i > 0; i--) {
      widest = widths[i] > widths[widest] ? i : widest;
    }
    return widest;
  }

  private static String line(List<Cell> row, int[] widths, Screen screen) {
    StringBuilder line = new StringBuilder();
    int pending = 0; // blanks that only stand before something
    for (int i = 0; i < widths.length; i++) {
      if (widths[i] == 0) {
        continue;
      }
      String text = cut(row.get(i).text(), widths[i]);
      if (!text.isEmpty()) {
        line.repeat(' ', pending).append(screen.paint(row.get(i).color(), text));
        pending = 0;
      }
      pending += widths[i] - width(text) + GAP;
    }
    return line.toString();
  }

  /** No wider than {@code room}. */
  static String cut(String text, int room) {
    if (width(text) <= room) {
      return text;
    }
    StringBuilder kept = new StringBuilder();
    int used = 0;
    for (int c : text.codePoints().toArray()) {
      if (used + width(c) > room - 1) {
        break;
      }
      kept.appendCodePoint(c);
      used += width(c);
    }
    return kept.append(ELLIPSIS).toString();
  }

  /** How many columns of a terminal a text takes. */
  public static int width(String text) {
    return text.codePoints().map(Table::width).sum();
  }

  /** As Unicode's annex 11 has it, for the ranges that are in use. */
  private static int width(int c) {
    int type = Character.getType(c);
    boolean joined = c >= 0x1160 && c <= 0x11FF; // Hangul's vowels and finals
    if (type == Character.NON_SPACING_MARK || type == Character.ENCLOSING_MARK || joined) {
      return 0;
    }
    boolean wide =
        (c >= 0x1100 && c <= 0x115F)
            || (c >= 0x2E80 && c <= 0xA4CF && c != 0x303F)
            || (c >= 0xAC00 && c <= 0xD7A3)
            || (c >= 0xF900 && c <= 0xFAFF)
            || (c >= 0xFE30 && c <= 0xFE6F)
            || (c >= 0xFF00 && c <= 0xFF60)
            || (c >= 0xFFE0 && c <= 0xFFE6)
            || (Character.isEmojiPresentation(c) && !(c >= 0x1F1E6 && c <= 0x1F1FF))
            || (c >= 0x20000 && c <= 0x3FFFD);
    return wide ? 2 : 1;
  }
}
