package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.protobuf.ByteString;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.Stream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;

/**
 * Copies a job's output to ours as it is, or with something before each line. Where output is
 * missing, it says how much, and goes on with the next whole line. For one thread.
 */
public final class LogPrinter implements LogSink {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z' ").withZone(ZoneOffset.UTC);

  /** What is longer is no line of text, and is not held back as one that was cut. */
  private static final int MAX_LINE_BYTES = 64 << 10;

  /** One of our two outputs. */
  private static final class Target {
    private final OutputStream stream;
    private boolean inLine;

    private Target(OutputStream stream) {
      this.stream = stream;
    }
  }

  /**
   * How lines are to look.
   *
   * @param prefix before each line
   * @param timestamps whether each line has before it when it was captured
   * @param raw whether the rest of a line of which the beginning is missing is printed too
   */
  public record Style(String prefix, boolean timestamps, boolean raw) {
    /** Byte for byte. */
    public static final Style PLAIN = new Style("", false, false);
  }

  /** The stream that goes on behind a gap, until it has come to the end of a line. */
  private static final class Gap {
    private final long droppedBytes;
    private final ByteArrayOutputStream cutLine = new ByteArrayOutputStream();
    private Stream stream = Stream.STREAM_UNSPECIFIED; // until it is known

    private Gap(long droppedBytes) {
      this.droppedBytes = droppedBytes;
    }
  }

  private final Target out;
  private final Target err;
  private final Style style;
  private final byte[] prefix;
  private @Nullable Gap gap;

  private LogPrinter(OutputStream out, OutputStream err, Style style) {
    this.out = new Target(out);
    this.err = new Target(err);
    this.style = style;
    this.prefix = style.prefix.getBytes(UTF_8);
  }

  /** The job's stdout goes to {@code out}; its stderr, and what we have to say, to {@code err}. */
  public static LogPrinter of(OutputStream out, OutputStream err) {
    return new LogPrinter(out, err, Style.PLAIN);
  }

  /** As above, with lines that look otherwise. */
  public static LogPrinter of(OutputStream out, OutputStream err, Style style) {
    return new LogPrinter(out, err, style);
  }

  @Override
  public boolean accept(JobLogsResponse message) throws IOException {
    try {
      if (message.getDroppedBytes() > 0) {
        meetGap(message.getDroppedBytes());
      }
      print(message, pastGap(message));
      return true;
    } catch (StandardOutput.WriteFailed e) {
      if (e.isNobodyReading()) {
        return false;
      }
      throw e;
    }
  }

  /** A line that has no end is all that there is: it is printed, though never as a whole one. */
  @Override
  public void end() throws IOException {
    Gap open = gap;
    if (open != null) {
      gap = null;
      printFragment(open);
    }
  }

  private void meetGap(long droppedBytes) throws IOException {
    Gap before = gap;
    if (style.raw) {
      sayMissing(droppedBytes, 0);
    } else if (before == null) {
      gap = new Gap(droppedBytes);
    } else { // what was held back is cut at both its ends
      gap = new Gap(before.droppedBytes + before.cutLine.size() + droppedBytes);
    }
  }

  /** The part of a message that does not belong to a line whose beginning is missing. */
  private ByteString pastGap(JobLogsResponse message) throws IOException {
    Gap open = gap;
    ByteString log = message.getLog();
    if (open == null || log.isEmpty()) {
      return log;
    }
    if (open.stream == Stream.STREAM_UNSPECIFIED) {
      open.stream = message.getStream();
    }
    if (open.stream != message.getStream()) {
      return log;
    }
    int end = 0;
    while (end < log.size() && log.byteAt(end) != '\n') {
      end++;
    }
    if (end < log.size()) {
      gap = null;
      sayMissing(open.droppedBytes, open.cutLine.size() + end + 1);
      endLine(target(open.stream));
      return log.substring(end + 1);
    }
    log.writeTo(open.cutLine);
    if (open.cutLine.size() > MAX_LINE_BYTES) {
      gap = null;
      printFragment(open);
    }
    return ByteString.EMPTY;
  }

  private void printFragment(Gap open) throws IOException {
    sayMissing(open.droppedBytes, 0);
    Target target = target(open.stream);
    endLine(target);
    open.cutLine.writeTo(target.stream);
    target.inLine = open.cutLine.size() > 0;
  }

  /** A line that was being printed when the gap came does not go on behind it. */
  private static void endLine(Target target) throws IOException {
    if (target.inLine) {
      target.stream.write('\n');
      target.inLine = false;
    }
  }

  private void sayMissing(long droppedBytes, long cutBytes) throws IOException {
    String dropped =
        "job-worker: "
            + style.prefix
            + Long.toUnsignedString(droppedBytes)
            + " bytes of output are no longer kept";
    String cut =
        cutBytes == 0 ? "" : "; the rest of a cut line, " + cutBytes + " bytes, is left out";
    err.stream.write((dropped + cut + "\n").getBytes(UTF_8));
  }

  private Target target(Stream stream) {
    return stream == Stream.STREAM_STDERR ? err : out;
  }

  private void print(JobLogsResponse message, ByteString log) throws IOException {
    if (log.isEmpty()) {
      return;
    }
    Target target = target(message.getStream());
    if (style.timestamps || prefix.length > 0) {
      printLines(message, log, target);
    } else {
      log.writeTo(target.stream);
      target.inLine = log.byteAt(log.size() - 1) != '\n';
    }
  }

  private void printLines(JobLogsResponse message, ByteString log, Target target)
      throws IOException {
    byte[] time = style.timestamps ? TIME.format(time(message)).getBytes(US_ASCII) : new byte[0];
    ByteArrayOutputStream lines = new ByteArrayOutputStream(log.size() + time.length);
    for (int i = 0; i < log.size(); i++) {
      if (!target.inLine) {
        lines.write(prefix);
        lines.write(time);
      }
      byte b = log.byteAt(i);
      lines.write(b);
      target.inLine = b != '\n';
    }
    lines.writeTo(target.stream);
  }

  private static Instant time(JobLogsResponse message) {
    return Instant.ofEpochSecond(message.getTime().getSeconds(), message.getTime().getNanos());
  }
}
