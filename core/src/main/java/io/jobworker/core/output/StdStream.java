package io.jobworker.core.output;

import java.util.Optional;

/** Which of the job's two streams a byte came from. The codes are part of the log's format. */
public enum StdStream {
  STDOUT(1),
  STDERR(2);

  private final int code;

  StdStream(int code) {
    this.code = code;
  }

  static Optional<StdStream> ofCode(int code) {
    for (StdStream stream : values()) {
      if (stream.code == code) {
        return Optional.of(stream);
      }
    }
    return Optional.empty();
  }
}
