package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jobworker.base.words.CallersBytes;
import java.io.File;
import java.io.IOException;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/** What standard output can show: how wide it is, if it is a terminal, and whether in colours. */
public record Screen(boolean terminal, boolean coloured) {
  private static final int STANDARD_OUTPUT = 1;
  private static final Size USUAL = new Size(24, 80);
  private static final String RESET = "\033[0m";

  /** One thing each; ECMA-48's numbers. */
  public enum Color {
    NONE(""),
    GREEN("\033[32m"),
    RED("\033[31m"),
    YELLOW("\033[33m"),
    DIM("\033[2m");

    private final String start;

    Color(String start) {
      this.start = start;
    }
  }

  /** As this process has it. */
  public static Screen of(Paint paint) {
    boolean coloured = paint.resolved(STANDARD_OUTPUT, CallersBytes.environment()) == Paint.ALWAYS;
    return new Screen(Terminal.is(STANDARD_OUTPUT), coloured);
  }

  /** How much a terminal shows at once. */
  public record Size(int rows, int columns) {}

  /** How many columns there are now; empty if it is no terminal, and nothing is to be cut. */
  public OptionalInt width() {
    String named = System.getenv("COLUMNS");
    if (named != null && named.matches("[1-9]\\d{0,3}")) {
      return OptionalInt.of(Integer.parseInt(named));
    }
    return terminal ? OptionalInt.of(size().columns()) : OptionalInt.empty();
  }

  /** By stty(1), which is wherever there are terminals, and which needs no native code here. */
  public static Size size() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String answer = new String(stty.getInputStream().readAllBytes(), US_ASCII).strip();
      stty.waitFor(1, TimeUnit.SECONDS);
      if (answer.matches("[1-9]\\d{0,3} [1-9]\\d{0,3}")) {
        int blank = answer.indexOf(' ');
        return new Size(
            Integer.parseInt(answer.substring(0, blank)),
            Integer.parseInt(answer.substring(blank + 1)));
      }
    } catch (IOException e) {
      // then as most are
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return USUAL;
  }

  /** The text in this colour, if there are any. */
  public String paint(Color color, String text) {
    return coloured && color != Color.NONE && !text.isEmpty() ? color.start + text + RESET : text;
  }
}
