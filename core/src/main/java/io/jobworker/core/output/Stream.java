package io.jobworker.core.output;

/**
 * Which of the job's two streams a byte came from. The codes are part of the index files' format.
 */
public enum Stream {
  STDOUT(1, "stdout"),
  STDERR(2, "stderr");

  private final int code;
  private final String fifo;

  Stream(int code, String fifo) {
    this.code = code;
    this.fifo = fifo;
  }

  /** The name of the stream's FIFO in the job's directory. */
  public String fifo() {
    return fifo;
  }

  int code() {
    return code;
  }

  static Stream ofCode(int code) {
    return code == STDERR.code ? STDERR : STDOUT;
  }
}
