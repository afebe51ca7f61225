package io.jobworker.cli.output;

import com.google.protobuf.util.Timestamps;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.cli.render.LogSink;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/** Lets through what was captured within a time, and takes no more behind it. */
public final class TimeWindow implements LogSink {
  private final Optional<Instant> from;
  private final Optional<Instant> until;
  private final LogSink sink;

  /** Both ends belong to it. */
  public TimeWindow(Optional<Instant> from, Optional<Instant> until, LogSink sink) {
    this.from = from;
    this.until = until;
    this.sink = sink;
  }

  @Override
  public boolean accept(JobLogsResponse message) throws IOException {
    if (!message.hasTime()) {
      return sink.accept(message); // of a gap it is not known when it was written
    }
    Instant time = Instant.ofEpochMilli(0).plusNanos(Timestamps.toNanos(message.getTime()));
    if (until.isPresent() && time.isAfter(until.get())) {
      return false;
    }
    boolean early = from.isPresent() && time.isBefore(from.get());
    return early || sink.accept(message);
  }

  @Override
  public void end() throws IOException {
    sink.end();
  }
}
