package io.jobworker.core.job;

import java.util.Optional;
import java.util.UUID;

/** A job's identity: a UUID, all 128 bits of it, in its canonical lower-case text form. */
public record JobId(UUID value) {
  public static JobId random() {
    return new JobId(UUID.randomUUID());
  }

  /** The id that {@code text} stands for, or empty if it is not the canonical form of a UUID. */
  public static Optional<JobId> parse(String text) {
    if (text.length() != 36) {
      return Optional.empty(); // UUID.fromString also takes shortened groups
    }
    try {
      return Optional.of(new JobId(UUID.fromString(text)));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  @Override
  public String toString() {
    return value.toString();
  }
}
