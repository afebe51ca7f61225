package io.jobworker.cli.render;

import java.io.PrintWriter;

/**
 * A line on a terminal that is written anew each time, and is removed at the end. For one thread.
 */
public final class RewrittenLine implements AutoCloseable {
  private static final String ERASE = "\r\033[K"; // ECMA-48: to the line's begin, erase it

  private final PrintWriter terminal;
  private boolean shown;

  public RewrittenLine(PrintWriter terminal) {
    this.terminal = terminal;
  }

  /** In the place of what was there. */
  public void show(String text) {
    terminal.print(ERASE + text);
    terminal.flush();
    shown = true;
  }

  /** Removes it, so that something else can be written there. It may be shown again. */
  @Override
  public void close() {
    if (shown) {
      shown = false;
      terminal.print(ERASE);
      terminal.flush();
    }
  }
}
