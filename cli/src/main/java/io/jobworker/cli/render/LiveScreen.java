package io.jobworker.cli.render;

import java.io.PrintWriter;
import java.util.List;

/**
 * Frames that replace one another on a terminal's other screen. When that is closed, what was there
 * before comes back, with the last frame below it. Thread-safe.
 */
public final class LiveScreen implements AutoCloseable {
  private static final String ENTER = "\033[?1049h"; // XTerm Control Sequences: the other screen
  private static final String LEAVE = "\033[?1049l";
  private static final String HOME = "\033[H"; // ECMA-48, as are those that follow
  private static final String ERASE_REST_OF_LINE = "\033[K";
  private static final String ERASE_REST_OF_SCREEN = "\033[J";

  private final PrintWriter out;
  private List<String> last = List.of();
  private boolean entered;
  private boolean closed;

  public LiveScreen(PrintWriter out) {
    this.out = out;
  }

  /**
   * Shows a frame, or what there is room for of it. In one write, each line over the one before it,
   * so that nothing is blank in between.
   */
  public synchronized void show(List<String> lines, int rows) {
    if (closed) {
      return;
    }
    StringBuilder frame = new StringBuilder(entered ? HOME : ENTER + HOME);
    entered = true;
    int visible = Math.min(lines.size(), Math.max(1, rows - 1)); // the last row is the cursor's
    lines.subList(0, visible).forEach(line -> frame.append(line).append(ERASE_REST_OF_LINE + "\n"));
    out.print(frame.append(ERASE_REST_OF_SCREEN));
    out.flush();
    last = List.copyOf(lines);
  }

  /** Gives the terminal back, until the next frame is shown. */
  public synchronized void leave() {
    if (entered && !closed) {
      entered = false;
      out.print(LEAVE);
      out.flush();
    }
  }

  @Override
  public synchronized void close() {
    if (entered) {
      leave();
      last.forEach(out::println);
      out.flush();
    }
    closed = true;
  }
}
