package io.jobworker.cli.command;

import io.jobworker.cli.render.Statuses;
import java.util.Locale;

/** Signals as people type them: {@code HUP}, {@code SIGHUP}, {@code hup} or {@code 1}. */
final class SignalNames {
  private SignalNames() {}

  /** {@code SIGHUP}, if it is one that has a name; the server knows whether it is one at all. */
  static String of(String typed) {
    String upper = typed.strip().toUpperCase(Locale.ROOT);
    if (upper.matches("\\d{1,3}")) {
      return Statuses.signal(Integer.parseInt(upper));
    }
    return upper.startsWith("SIG") ? upper : "SIG" + upper;
  }
}
