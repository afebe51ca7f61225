package io.jobworker.server.gate;

/** A request is wrong in one field, before the library is asked; trying again does not help. */
public final class InvalidField extends RuntimeException {
  private final String field;

  /**
   * {@code field} is a path in the wire's contract, as in {@code logs.offset}; {@code problem} may
   * quote what was asked.
   */
  public InvalidField(String field, String problem) {
    super(field + ": " + problem.replaceAll("\\p{Cntrl}", "?"));
    this.field = field;
  }

  String field() {
    return field;
  }
}
