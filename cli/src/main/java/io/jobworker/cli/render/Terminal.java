package io.jobworker.cli.render;

import io.jobworker.base.words.CallersBytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Whether a standard stream is a terminal, and whether that shows colours. */
public final class Terminal {
  private Terminal() {}

  /** Where a standard stream, by its number, is a terminal; Java tells of two at once only. */
  public static boolean is(int descriptor) {
    try {
      return isTerminal(
          Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(descriptor)))
              .toString());
    } catch (IOException e) {
      return false; // closed
    }
  }

  /** Where it is one on which a line can be written over; that of an editor is perhaps none. */
  public static boolean isRewritable(int descriptor) {
    String kind = CallersBytes.environment().getOrDefault("TERM", "");
    return is(descriptor) && !kind.isEmpty() && !kind.equals("dumb");
  }

  /** By the name of what is open, as proc_pid_fd(5) has it. */
  public static boolean isTerminal(String name) {
    return name.startsWith("/dev/pts/")
        || name.startsWith("/dev/tty")
        || name.equals("/dev/console");
  }
}
