package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.Stream;
import io.jobworker.cli.render.LogPrinter.Style;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class LogPrinterTest {
  private static final String TIME = "1970-01-01T00:00:07.000000Z ";

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private LogPrinter printer(Style style) {
    return LogPrinter.of(out, err, style);
  }

  private static JobLogsResponse message(Stream stream, String text) {
    return JobLogsResponse.newBuilder()
        .setStream(stream)
        .setTime(Timestamp.newBuilder().setSeconds(7))
        .setLog(ByteString.copyFromUtf8(text))
        .build();
  }

  private static void take(LogPrinter printer, String... texts) throws IOException {
    for (String text : texts) {
      assertThat(printer.accept(message(Stream.STREAM_STDOUT, text))).isTrue();
    }
  }

  private static void drop(LogPrinter printer, long bytes) throws IOException {
    printer.accept(JobLogsResponse.newBuilder().setDroppedBytes(bytes).build());
  }

  @Test
  void everyStreamGoesToItsOwn() throws IOException {
    LogPrinter printer = printer(Style.PLAIN);
    take(printer, "a", "b\n");
    printer.accept(message(Stream.STREAM_STDERR, "c"));
    assertThat(out.toString(UTF_8)).isEqualTo("ab\n");
    assertThat(err.toString(UTF_8)).isEqualTo("c");
  }

  @Test
  void aPrefixAndTheTimeStandBeforeEachLineAndBeforeNothingElse() throws IOException {
    LogPrinter printer = printer(new Style("web | ", true, false));
    take(printer, "one\ntw", "o\n\n");
    assertThat(out.toString(UTF_8))
        .isEqualTo("web | " + TIME + "one\nweb | " + TIME + "two\nweb | " + TIME + "\n");
  }

  @Nested
  class WhereOutputIsMissing {
    @Test
    void itIsSaidHowMuchAndTheNextWholeLineIsTheFirst() throws IOException {
      LogPrinter printer = printer(new Style("", true, false));
      drop(printer, 2000);
      take(printer, "he end of ", "a line\nwhole\n");
      assertThat(out.toString(UTF_8)).isEqualTo(TIME + "whole\n");
      assertThat(err.toString(UTF_8))
          .startsWith("job-worker: 2000 bytes of output are no longer kept")
          .contains("cut line, 17 bytes");
    }

    @Test
    void rawPrintsTheCutLineToo() throws IOException {
      LogPrinter printer = printer(new Style("", false, true));
      drop(printer, 2000);
      take(printer, "he end\nwhole\n");
      assertThat(out.toString(UTF_8)).isEqualTo("he end\nwhole\n");
      assertThat(err.toString(UTF_8))
          .isEqualTo("job-worker: 2000 bytes of output are no longer kept\n");
    }

    @Test
    void aLineThatWasBeingPrintedDoesNotGoOnBehindTheGap() throws IOException {
      LogPrinter printer = printer(Style.PLAIN);
      take(printer, "begun");
      drop(printer, 5);
      take(printer, "cut\nwhole\n");
      assertThat(out.toString(UTF_8)).isEqualTo("begun\nwhole\n");
    }

    @Test
    void theOtherStreamLosesNothing() throws IOException {
      LogPrinter printer = printer(Style.PLAIN);
      drop(printer, 5);
      take(printer, "cut");
      printer.accept(message(Stream.STREAM_STDERR, "fatal\n"));
      take(printer, " line\nwhole\n");
      assertThat(out.toString(UTF_8)).isEqualTo("whole\n");
      assertThat(err.toString(UTF_8)).startsWith("fatal\n").contains("5 bytes", "9 bytes");
    }

    @Test
    void aCutLineThatIsAllThereIsIsPrintedButNotAsAWholeOne() throws IOException {
      LogPrinter printer = printer(new Style("", true, false));
      drop(printer, 5);
      take(printer, "no end of a line");
      printer.end();
      printer.end();
      assertThat(out.toString(UTF_8)).isEqualTo("no end of a line");
      assertThat(err.toString(UTF_8)).contains("5 bytes");
    }

    @Test
    void whatHasNoLinesIsNotHeldBack() throws IOException {
      LogPrinter printer = printer(Style.PLAIN);
      drop(printer, 5);
      String much = "x".repeat(70_000);
      take(printer, much);
      assertThat(out.toString(UTF_8)).isEqualTo(much);
    }

    @Test
    void aGapAfterAGapIsCountedWithWhatWasHeldBackInBetween() throws IOException {
      LogPrinter printer = printer(Style.PLAIN);
      drop(printer, 5);
      take(printer, "cut");
      drop(printer, 10);
      take(printer, "again\nwhole\n");
      assertThat(err.toString(UTF_8)).contains("18 bytes of output");
      assertThat(out.toString(UTF_8)).isEqualTo("whole\n");
    }
  }
}
