package io.jobworker.cli.output;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.cli.render.PassingLine;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private final StringWriter terminal = new StringWriter();
  private final AtomicLong nanos = new AtomicLong();

  private Progress progress(long done, long total) {
    PassingLine line = new PassingLine(new PrintWriter(terminal), 80);
    return new Progress(_ -> true, line, nanos::get, done, total);
  }

  private void take(Progress progress, double atSecond, int bytes) throws IOException {
    nanos.set((long) (atSecond * 1e9));
    progress.accept(
        JobLogsResponse.newBuilder().setLog(ByteString.copyFrom(new byte[bytes])).build());
  }

  @Test
  void whatIsDoneWithinASecondShowsNothing() throws IOException {
    Progress progress = progress(0, 0);
    take(progress, 0.9, 100);
    progress.end();
    assertThat(terminal.toString()).isEmpty();
  }

  @Test
  void aLineShowsBytesShareAndRateAndIsRemoved() throws IOException {
    Progress progress = progress(1 << 20, 4 << 20);
    take(progress, 0.5, 1 << 19);
    take(progress, 1, 1 << 19);
    assertThat(terminal.toString()).isEqualTo("\r\033[K2.0M of 4.0M  50%  1.0M/s");
    take(progress, 1.1, 1 << 19); // too soon for another
    progress.end();
    assertThat(terminal.toString()).endsWith("1.0M/s\r\033[K");
  }

  @Test
  void whereTheTotalIsNotKnownNoShareIsShown() throws IOException {
    take(progress(0, 0), 2, 500);
    assertThat(terminal.toString()).isEqualTo("\r\033[K500B  250B/s");
  }
}
