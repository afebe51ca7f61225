package io.jobworker.acceptance.torture;

/** Something that should not be. */
final class Finding extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** What is wrong. */
  enum Kind {
    OUTPUT,
    END,
    LEFTOVER,
    LOST_START,
    DOUBLE_START,
    CALL
  }

  Finding(Kind kind, String what) {
    super(kind + ": " + what);
  }
}
