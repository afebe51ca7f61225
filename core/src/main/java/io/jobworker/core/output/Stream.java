package io.jobworker.core.output;

import java.util.Optional;

/** Which of the job's two streams a byte came from. The codes are part of the log's format. */
public enum Stream {
  STDOUT(1),
  STDERR(2);

  private final int code;

  Stream(int code) {
    this.code = code;
  }

  static Optional<Stream> ofCode(int code) {
    for (Stream stream : values()) {
      if (stream.code == code) {
        return Optional.of(stream);
      }
    }
    return Optional.empty();
  }
}
