package io.jobworker.cli.connect;

/** What was asked for cannot be done as it was asked; the message says what to do. */
public final class UsageException extends RuntimeException {
  public UsageException(String message) {
    super(message);
  }
}
