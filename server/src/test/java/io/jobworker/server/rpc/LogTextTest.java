package io.jobworker.server.rpc;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.core.output.ReadResult;
import io.jobworker.core.output.StdStream;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LogTextTest {
  private static final Instant START = Instant.ofEpochSecond(1000);

  private final LogText text = new LogText(true);
  private long offset;

  /** The next bytes of the job's output, a second after those before. */
  private Optional<JobLogsResponse> next(StdStream stream, byte... bytes) {
    ReadResult.Chunk chunk =
        new ReadResult.Chunk(
            stream, offset, START.plusSeconds(offset), ByteBuffer.wrap(bytes.clone()));
    offset += bytes.length;
    return text.message(chunk);
  }

  private Optional<JobLogsResponse> next(StdStream stream, String latin1) {
    return next(stream, latin1.getBytes(ISO_8859_1));
  }

  private static JobLogsResponse message(
      String log, StdStream stream, long offset, long second, long dropped) {
    return JobLogsResponse.newBuilder()
        .setLog(com.google.protobuf.ByteString.copyFromUtf8(log))
        .setStream(Wire.stream(stream))
        .setOffset(offset)
        .setTime(Wire.timestamp(START.plusSeconds(second)))
        .setDroppedBytes(dropped)
        .build();
  }

  @Test
  void whatIsTextAlreadyIsSentAsItIs() {
    assertThat(next(StdStream.STDOUT, "\u65e5\n".getBytes(UTF_8)))
        .contains(message("\u65e5\n", StdStream.STDOUT, 0, 0, 0));
    assertThat(text.ended()).isEmpty();
  }

  @Test
  void aCharacterInPartsIsOneAlsoIfTheOtherStreamComesBetween() {
    assertThat(next(StdStream.STDOUT, "a\u00e6")).contains(message("a", StdStream.STDOUT, 0, 0, 0));
    assertThat(next(StdStream.STDERR, "\u00c3")).isEmpty();
    assertThat(next(StdStream.STDOUT, "\u0097")).isEmpty();
    assertThat(next(StdStream.STDERR, "\u00bc"))
        .contains(message("\u00fc", StdStream.STDERR, 2, 2, 0));
    assertThat(next(StdStream.STDOUT, "\u00a5"))
        .contains(message("\u65e5", StdStream.STDOUT, 1, 0, 0));
    assertThat(text.ended()).isEmpty();
  }

  @Test
  void whatIsHeldBackBeforeAGapIsMissingAndAtTheEndItIsBroken() {
    assertThat(next(StdStream.STDOUT, "\u00e6\u0097")).isEmpty();
    assertThat(next(StdStream.STDERR, "\u00e6")).isEmpty();
    assertThat(text.interrupted()).isEqualTo(3);
    offset = 100;
    assertThat(next(StdStream.STDERR, "\u0097\u00a5b\u00e6"))
        .contains(message("b", StdStream.STDERR, 102, 100, 2));
    assertThat(text.ended()).containsExactly(message("\ufffd", StdStream.STDERR, 103, 100, 0));
  }
}
