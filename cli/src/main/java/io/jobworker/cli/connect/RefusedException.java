package io.jobworker.cli.connect;

/** What was asked for was refused, for a reason that is known in full. */
public final class RefusedException extends RuntimeException {
  private final Failure why;

  public RefusedException(Failure why) {
    super(why.message());
    this.why = why;
  }

  Failure why() {
    return why;
  }
}
