package io.jobworker.cli.command;

import com.google.protobuf.Timestamp;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.Stream;
import io.jobworker.base.units.Durations;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.render.LogPrinter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code logs}: a job's output, byte for byte; its stderr goes to ours. */
@Command(
    name = "logs",
    description =
        "Copies a job's output from its first byte, and on as it comes, until the job ends.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "When the connection breaks, it is made anew and the output goes on where it was.",
      "  job-worker logs --tail 10 ID",
      "  job-worker logs --since 15m --timestamps ID",
    })
public final class LogsCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** Where to begin. */
  private static final class Beginning {
    @Option(
        names = {"-n", "--tail"},
        paramLabel = "LINES",
        description = "Begin with the last so many lines.")
    private Optional<Long> tail = Optional.empty();

    @Option(
        names = "--since",
        paramLabel = "TIME",
        description = "Begin with what came at or after TIME: 2026-01-31T12:00:00Z, or 15m ago.")
    private Optional<String> since = Optional.empty();

    @Option(
        names = "--offset",
        paramLabel = "BYTES",
        description = "Begin at this offset, counted over both streams.")
    private Optional<Long> offset = Optional.empty();
  }

  /** The job's two streams, as they are written on the command line. */
  private enum Only {
    STDOUT,
    STDERR
  }

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @Mixin private JobIdParameter job = new JobIdParameter();
  @ArgGroup private Beginning beginning = new Beginning();

  @Option(names = "--no-follow", description = "End at what there is now.")
  private boolean noFollow;

  @Option(names = "--stream", paramLabel = "STREAM", description = "Only stdout, or only stderr.")
  private Optional<Only> only = Optional.empty();

  @Option(
      names = {"-t", "--timestamps"},
      description = "Put before each line when it was captured.")
  private boolean timestamps;

  private OptionalLong next = OptionalLong.empty(); // the offset after what has been printed

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    LogOptions options = options();
    // Not System.out: a PrintStream hides that its reader has gone.
    LogPrinter printer =
        new LogPrinter(
            new FileOutputStream(FileDescriptor.out),
            new FileOutputStream(FileDescriptor.err),
            timestamps);
    new Retry(server, PATIENCE, () -> say("connection lost; trying to reconnect"))
        .run(connection -> copy(connection, options, printer), () -> next.orElse(-1));
    return 0;
  }

  private boolean copy(Connection connection, LogOptions options, LogPrinter printer)
      throws StatusException, InterruptedException, IOException {
    boolean again = next.isPresent();
    LogOptions here =
        again
            ? options.toBuilder().clearTailLines().clearSince().setOffset(next.getAsLong()).build()
            : options;
    JobRequest request = job.request(connection, server).setLogs(here).build();
    BlockingClientCall<?, JobLogsResponse> stream = connection.calls().logs(request);
    for (JobLogsResponse message; (message = stream.read()) != null; ) {
      if (again) {
        again = false;
        say("reconnected; going on at offset " + here.getOffset());
      }
      if (!printer.print(message)) {
        return false; // nobody reads any more
      }
      next = OptionalLong.of(message.getOffset() + message.getLog().size());
    }
    return true;
  }

  private void say(String what) {
    spec.commandLine().getErr().println("job-worker: " + what);
  }

  private LogOptions options() {
    LogOptions.Builder options = LogOptions.newBuilder().setNoFollow(noFollow);
    beginning.tail.ifPresent(lines -> options.setTailLines(lines(lines)));
    beginning.since.ifPresent(time -> options.setSince(instant(time)));
    beginning.offset.ifPresent(options::setOffset);
    only.ifPresent(stream ->
        options.setStream(stream == Only.STDOUT ? Stream.STREAM_STDOUT : Stream.STREAM_STDERR));
    return options.build();
  }

  private static int lines(long lines) {
    if (lines < 0) {
      throw new UsageException("--tail: the number of lines must not be negative");
    }
    return (int) Math.min(lines, Integer.MAX_VALUE);
  }

  /** A time, or how long ago. */
  private static Timestamp instant(String text) {
    Instant instant;
    try {
      instant = Instant.parse(text.toUpperCase(Locale.ROOT));
    } catch (DateTimeParseException e) {
      instant = Instant.now().minus(ago(text));
    }
    return Timestamp.newBuilder()
        .setSeconds(instant.getEpochSecond())
        .setNanos(instant.getNano())
        .build();
  }

  private static Duration ago(String text) {
    try {
      return Durations.parse(text);
    } catch (IllegalArgumentException e) {
      throw new UsageException(
          "--since: '"
              + text
              + "' is no time; write 2026-01-31T12:00:00Z, or 15m for 15 minutes ago");
    }
  }
}
