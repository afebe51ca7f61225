package io.jobworker.cli.output;

import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.cli.render.LogSink;
import io.jobworker.cli.render.PassingLine;
import java.io.IOException;
import java.time.Duration;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Shows people how far a download has come: a line that is rewritten, from its second second on,
 * and removed at its end. For one thread.
 */
public final class Progress implements LogSink, AutoCloseable {
  private static final Duration QUIET = Duration.ofSeconds(1);
  private static final Duration PACE = Duration.ofMillis(200);

  private final LogSink sink;
  private final PassingLine line;
  private final LongSupplier nanoTime;
  private final long totalBytes;
  private final long startNanos;
  private long doneBytes;
  private long newBytes;
  private long shownNanos;

  /**
   * In front of {@code sink}.
   *
   * @param doneBytes how much there is already
   * @param totalBytes how much it will be; 0 if that is not known
   */
  public Progress(
      LogSink sink, PassingLine line, LongSupplier nanoTime, long doneBytes, long totalBytes) {
    this.sink = sink;
    this.line = line;
    this.nanoTime = nanoTime;
    this.doneBytes = doneBytes;
    this.totalBytes = totalBytes;
    this.startNanos = nanoTime.getAsLong();
    this.shownNanos = startNanos + QUIET.toNanos() - PACE.toNanos();
  }

  @Override
  public boolean accept(JobLogsResponse message) throws IOException {
    doneBytes += message.getLog().size();
    newBytes += message.getLog().size();
    long now = nanoTime.getAsLong();
    if (now - shownNanos >= PACE.toNanos()) {
      shownNanos = now;
      line.show(text(now));
    }
    return sink.accept(message);
  }

  private String text(long nowNanos) {
    double seconds = (nowNanos - startNanos) / 1e9;
    String share =
        totalBytes <= 0
            ? ""
            : " of %s  %d%%"
                .formatted(size(totalBytes), Math.min(100, 100 * doneBytes / totalBytes));
    return size(doneBytes) + share + "  " + size((long) (newBytes / seconds)) + "/s";
  }

  private static String size(long bytes) {
    String units = "BKMGT";
    double value = bytes;
    int unit = 0;
    while (value >= 1000 && unit < units.length() - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0
        ? bytes + "B"
        : String.format(Locale.ROOT, "%.1f%c", value, units.charAt(unit));
  }

  @Override
  public void end() throws IOException {
    close();
    sink.end();
  }

  /** Removes the line. */
  @Override
  public void close() {
    line.close();
  }
}
