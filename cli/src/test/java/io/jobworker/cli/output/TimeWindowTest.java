package io.jobworker.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Timestamp;
import io.jobworker.api.v1.JobLogsResponse;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TimeWindowTest {
  private final List<Long> taken = new ArrayList<>();
  private final TimeWindow window =
      new TimeWindow(
          Optional.of(Instant.ofEpochSecond(10)),
          Optional.of(Instant.ofEpochSecond(20)),
          message -> taken.add(message.getTime().getSeconds()));

  private boolean accept(long seconds) throws IOException {
    return window.accept(
        JobLogsResponse.newBuilder().setTime(Timestamp.newBuilder().setSeconds(seconds)).build());
  }

  @Test
  void whatIsEarlierIsLeftOutAndWhatIsLaterEndsIt() throws IOException {
    assertThat(accept(9)).isTrue();
    assertThat(accept(10)).isTrue();
    assertThat(accept(20)).isTrue();
    assertThat(accept(21)).isFalse();
    assertThat(taken).containsExactly(10L, 20L);
  }

  @Test
  void aGapIsToldWheneverItWas() throws IOException {
    assertThat(window.accept(JobLogsResponse.newBuilder().setDroppedBytes(5).build())).isTrue();
    assertThat(taken).hasSize(1);
  }
}
