package io.jobworker.cli.render;

import java.io.PrintWriter;

/** A line for people on a terminal that is rewritten, and gone before anything else is said. */
public final class PassingLine implements AutoCloseable {
  private static final String ERASE = "\r\033[K"; // ECMA-48: to the line's begin, erase it

  private final PrintWriter terminal;
  private final int room;
  private boolean shown;
  private boolean closed;

  /** {@code columns} wide is the terminal. */
  public PassingLine(PrintWriter terminal, int columns) {
    this.terminal = terminal;
    this.room = columns - 1; // the last column is the cursor's
  }

  /** The same, which is gone also when the process is ended by Ctrl-C. */
  public static PassingLine ofProcess(PrintWriter terminal, int columns) {
    PassingLine line = new PassingLine(terminal, columns);
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(line::close));
    return line;
  }

  /** In the place of what was shown before; once this is closed, nothing is. */
  public synchronized void show(String text) {
    if (!closed) {
      shown = true;
      terminal.print(ERASE + Table.cut(text, room));
      terminal.flush();
    }
  }

  /** Until the next is shown. */
  public synchronized void remove() {
    if (shown) {
      shown = false;
      terminal.print(ERASE);
      terminal.flush();
    }
  }

  @Override
  public synchronized void close() {
    remove();
    closed = true;
  }
}
