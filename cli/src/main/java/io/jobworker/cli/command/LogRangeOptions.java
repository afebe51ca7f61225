package io.jobworker.cli.command;

import com.google.protobuf.Timestamp;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.Stream;
import io.jobworker.base.units.Moments;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.help.HelpGroup;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.util.Optional;
import picocli.CommandLine.Option;

/** The options that say which part of an output is wanted. */
@HelpGroup("Which part")
public final class LogRangeOptions {
  private static final Clock CLOCK = Clock.system(ZoneId.systemDefault());

  /** The job's two streams, as they are written on the command line. */
  private enum Only {
    STDOUT,
    STDERR
  }

  @Option(
      names = {"-n", "--tail"},
      paramLabel = "LINES",
      description = "Begin with the last so many lines.")
  private Optional<Long> tail = Optional.empty();

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description =
          "Begin with what came at or after TIME: 2026-01-31T12:00:00Z, 1700000000, today, or 15m"
              + " ago. With --tail: of the last lines, those.")
  private Optional<String> since = Optional.empty();

  @Option(
      names = "--until",
      paramLabel = "TIME",
      description = "End with what came at or before TIME.")
  private Optional<String> until = Optional.empty();

  @Option(
      names = "--offset",
      paramLabel = "BYTES",
      description = "Begin at this offset, counted over both streams.")
  private Optional<Long> offset = Optional.empty();

  @Option(
      names = {"-f", "--follow"},
      description = "Go on until the jobs end (default).")
  private boolean follow;

  @Option(names = "--no-follow", description = "End at what there is now.")
  private boolean noFollow;

  @Option(names = "--stream", paramLabel = "STREAM", description = "Only stdout, or only stderr.")
  private Optional<Only> only = Optional.empty();

  /**
   * What they say.
   *
   * @throws UsageException if they do not go together
   */
  LogRange get() {
    if (offset.isPresent() && (tail.isPresent() || since.isPresent())) {
      throw new UsageException("--offset says where to begin, and so does --tail or --since");
    }
    if (follow && noFollow) {
      throw new UsageException("--follow and --no-follow: give one of them");
    }
    Optional<Instant> from = since.map(text -> moment("--since", text));
    Optional<Instant> to = until.map(text -> moment("--until", text));
    LogOptions.Builder options = LogOptions.newBuilder();
    options.setNoFollow(noFollow || to.map(LogRangeOptions::isPast).orElse(false));
    offset.ifPresent(options::setOffset);
    tail.ifPresent(lines -> options.setTailLines(lines(lines)));
    if (tail.isEmpty()) {
      from.ifPresent(time -> options.setSince(timestamp(time)));
    }
    only.ifPresent(stream ->
        options.setStream(stream == Only.STDOUT ? Stream.STREAM_STDOUT : Stream.STREAM_STDERR));
    return new LogRange(options.build(), tail.isPresent() ? from : Optional.empty(), to);
  }

  private static boolean isPast(Instant moment) {
    return !moment.isAfter(CLOCK.instant());
  }

  private static int lines(long lines) {
    if (lines < 0) {
      throw new UsageException("--tail: the number of lines must not be negative");
    }
    return (int) Math.min(lines, Integer.MAX_VALUE);
  }

  private static Instant moment(String option, String text) {
    try {
      return Moments.parse(text, CLOCK);
    } catch (IllegalArgumentException e) {
      throw new UsageException(option + ": " + e.getMessage());
    }
  }

  private static Timestamp timestamp(Instant time) {
    return Timestamp.newBuilder()
        .setSeconds(time.getEpochSecond())
        .setNanos(time.getNano())
        .build();
  }
}
