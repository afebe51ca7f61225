package io.jobworker.cli.connect;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Looks through a failure and what it was caused by. */
final class Causes {
  private Causes() {}

  static <T> Optional<T> find(@Nullable Throwable failure, Class<T> type) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (type.isInstance(cause)) {
        return Optional.of(type.cast(cause));
      }
    }
    return Optional.empty();
  }
}
