package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

/** What a program did. */
@SuppressWarnings("ArrayRecordComponent") // never compared as a whole
public record Result(int exitCode, byte[] out, String err) {
  public String text() {
    return new String(out, UTF_8).strip();
  }

  public Result succeeded() {
    assertThat(exitCode).as(err).isZero();
    return this;
  }
}
