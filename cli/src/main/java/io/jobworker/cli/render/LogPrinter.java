package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.US_ASCII;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.Stream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;

/** Copies a job's output to ours as it is, or with the time before each line. */
public final class LogPrinter {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z' ").withZone(ZoneOffset.UTC);

  /** One of our two outputs. */
  private static final class Target {
    private final OutputStream stream;
    private boolean inLine;

    private Target(OutputStream stream) {
      this.stream = stream;
    }
  }

  private final Target out;
  private final Target err;
  private final boolean timestamps;

  public LogPrinter(OutputStream out, OutputStream err, boolean timestamps) {
    this.out = new Target(out);
    this.err = new Target(err);
    this.timestamps = timestamps;
  }

  /** Answers whether somebody still reads. As with `| head`, that nobody does is not an error. */
  public boolean print(JobLogsResponse message) throws IOException {
    try {
      if (message.getDroppedBytes() > 0) {
        err.stream.write(dropped(message.getDroppedBytes()));
      }
      Target target = message.getStream() == Stream.STREAM_STDERR ? err : out;
      if (timestamps) {
        printWithTime(message, target);
      } else {
        message.getLog().writeTo(target.stream);
      }
      return true;
    } catch (StandardOutput.WriteFailed e) {
      if (e.isNobodyReading()) {
        return false;
      }
      throw e;
    }
  }

  private static byte[] dropped(long bytes) {
    return ("job-worker: " + Long.toUnsignedString(bytes) + " bytes of output are no longer kept\n")
        .getBytes(US_ASCII);
  }

  private static void printWithTime(JobLogsResponse message, Target target) throws IOException {
    Instant time =
        Instant.ofEpochSecond(message.getTime().getSeconds(), message.getTime().getNanos());
    byte[] prefix = TIME.format(time).getBytes(US_ASCII);
    ByteString log = message.getLog();
    ByteArrayOutputStream lines = new ByteArrayOutputStream(log.size() + prefix.length);
    for (int i = 0; i < log.size(); i++) {
      if (!target.inLine) {
        lines.write(prefix);
      }
      byte b = log.byteAt(i);
      lines.write(b);
      target.inLine = b != '\n';
    }
    lines.writeTo(target.stream);
  }
}
