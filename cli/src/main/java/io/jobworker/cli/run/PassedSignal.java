package io.jobworker.cli.run;

import io.jobworker.base.linux.Signals;
import java.util.function.Consumer;

/** The signals to us that are the job's concern; numbers as on every Linux. */
enum PassedSignal {
  HUP(1),
  INT(2),
  TERM(15);

  private final int number;

  PassedSignal(int number) {
    this.number = number;
  }

  int number() {
    return number;
  }

  /** From here on the process takes these signals by {@code handler}: {@link Signals#handle}. */
  static void handleAll(Consumer<PassedSignal> handler) {
    for (PassedSignal signal : values()) {
      Signals.handle(signal.name(), () -> handler.accept(signal));
    }
  }
}
