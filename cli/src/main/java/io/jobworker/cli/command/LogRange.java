package io.jobworker.cli.command;

import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.Stream;
import io.jobworker.cli.output.OutputFollower;
import io.jobworker.cli.output.TimeWindow;
import io.jobworker.cli.render.LogSink;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;

/**
 * Which part of an output is wanted.
 *
 * @param options where the server begins, and with which stream
 * @param from what was captured before is left out; for what the server cannot leave out itself
 * @param until what was captured later is left out
 */
record LogRange(LogOptions options, Optional<Instant> from, Optional<Instant> until) {
  /** Brings it to the sink. */
  OutputFollower follower(String id, LogSink sink) {
    return follower(id, options, sink);
  }

  /** Brings it to the sink from this offset on. */
  OutputFollower followerFrom(long offset, String id, LogSink sink) {
    LogOptions rest = options.toBuilder().clearTailLines().clearSince().setOffset(offset).build();
    return follower(id, rest, sink);
  }

  private OutputFollower follower(String id, LogOptions where, LogSink sink) {
    LogSink within = from.isEmpty() && until.isEmpty() ? sink : new TimeWindow(from, until, sink);
    return until.isPresent() && !where.getNoFollow()
        ? OutputFollower.until(until.get(), id, where, within)
        : OutputFollower.of(id, where, within);
  }

  /** Whether it is the whole output. */
  boolean isAll() {
    return options.toBuilder().clearNoFollow().build().equals(LogOptions.getDefaultInstance())
        && from.isEmpty()
        && until.isEmpty();
  }

  /**
   * A line that tells it from others, for as long as the job is the same. A moment may be so long
   * ago, and is another one in the next call.
   */
  String key() {
    String stream =
        options.getStream() == Stream.STREAM_UNSPECIFIED
            ? ""
            : " of "
                + options.getStream().name().substring("STREAM_".length()).toLowerCase(Locale.ROOT);
    if (options.hasOffset()) {
      return "from offset " + options.getOffset() + stream;
    }
    String first =
        options.hasTailLines()
            ? "the last " + options.getTailLines() + " lines"
            : options.hasSince() || from.isPresent() ? "since a moment" : "all";
    return first + (until.isPresent() ? " until a moment" : "") + stream;
  }
}
