package io.jobworker.cli.connect;

import java.io.IOException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * There is no connection to the server, or no more. The message is for people: where to, why, and
 * what to do, in one line.
 */
final class NotConnected extends IOException {
  /** What trying again may help. */
  enum Kind {
    /** Server or client does not believe the other's certificate; that will be so again. */
    REFUSED,
    /** Nothing answers, now. */
    AWAY,
    /** What was connected broke. */
    LOST
  }

  private final Kind kind;

  NotConnected(Kind kind, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }

  /** The one that is among the causes of {@code failure}. */
  static Optional<NotConnected> in(@Nullable Throwable failure) {
    return Causes.find(failure, NotConnected.class);
  }
}
