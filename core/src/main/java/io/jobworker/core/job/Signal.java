package io.jobworker.core.job;

import java.util.Locale;
import java.util.Optional;

/**
 * The signals that may announce a stop, by their names in signal(7); numbers as on x86-64 and
 * aarch64.
 */
public enum Signal {
  HUP(1),
  INT(2),
  QUIT(3),
  KILL(9),
  USR1(10),
  USR2(12),
  PIPE(13),
  TERM(15),
  WINCH(28);

  private final int number;

  Signal(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /** Reads {@code SIGTERM}, {@code TERM} or {@code 15}. */
  public static Optional<Signal> parse(String text) {
    String name = text.strip().toUpperCase(Locale.ROOT);
    String bare = name.startsWith("SIG") ? name.substring(3) : name;
    for (Signal signal : values()) {
      if (signal.name().equals(bare) || Integer.toString(signal.number).equals(bare)) {
        return Optional.of(signal);
      }
    }
    return Optional.empty();
  }
}
