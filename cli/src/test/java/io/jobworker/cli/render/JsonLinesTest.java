package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.Stream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class JsonLinesTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final JsonLines printer = new JsonLines("813c", out);

  private void take(long offset, ByteString bytes) throws IOException {
    printer.accept(
        JobLogsResponse.newBuilder()
            .setStream(Stream.STREAM_STDERR)
            .setTime(Timestamp.newBuilder().setSeconds(7))
            .setOffset(offset)
            .setLog(bytes)
            .build());
  }

  @Test
  void eachLineIsAnObjectWithItsPlace() throws IOException {
    take(10, ByteString.copyFromUtf8("grün = <ja>\nrest"));
    assertThat(out.toString(UTF_8))
        .isEqualTo(
            """
            {"id":"813c","stream":"stderr","time":"1970-01-01T00:00:07Z","offset":10,"text":"grün = <ja>\\n"}
            {"id":"813c","stream":"stderr","time":"1970-01-01T00:00:07Z","offset":23,"text":"rest"}
            """);
  }

  @Test
  void whatIsNoTextIsBase64() throws IOException {
    take(0, ByteString.copyFrom(new byte[] {(byte) 0xff, '\n'}));
    assertThat(out.toString(UTF_8)).contains("\"base64\":\"/wo=\"").doesNotContain("text");
  }

  @Test
  void aGapIsAnObjectToo() throws IOException {
    printer.accept(JobLogsResponse.newBuilder().setOffset(99).setDroppedBytes(42).build());
    assertThat(out.toString(UTF_8))
        .isEqualTo("{\"id\":\"813c\",\"offset\":99,\"droppedBytes\":42}\n");
  }
}
