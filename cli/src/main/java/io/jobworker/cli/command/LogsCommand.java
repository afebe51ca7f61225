package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.base.words.CallersBytes;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.connect.RefusedException;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.output.OutputFollower;
import io.jobworker.cli.render.JsonLines;
import io.jobworker.cli.render.LogPrinter;
import io.jobworker.cli.render.LogSink;
import io.jobworker.cli.render.Paint;
import io.jobworker.cli.render.Printable;
import io.jobworker.cli.render.StandardOutput;
import io.jobworker.cli.render.Table;
import io.jobworker.cli.render.Talk;
import io.jobworker.cli.render.WholeLines;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code logs}: jobs' output, byte for byte; their stderr goes to ours. */
@Command(
    name = "logs",
    description =
        "Copies jobs' output from its first byte, and on as it comes, until the jobs end.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "When the connection breaks, it is made anew and the output goes on where it was. Of several",
      "jobs each line has its job before it.",
      "",
      "Examples:",
      "  job-worker logs --tail 10 --label team=build",
      "  job-worker logs --since 15m --timestamps @last",
      "  job-worker logs --output build.log name:nightly",
    })
public final class LogsCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Path STANDARD_OUTPUT = Path.of("-");
  private static final int SHORT_ID = 8;
  private static final int UUID_LENGTH = 36;

  /** How to print. */
  private enum Format {
    TEXT,
    JSONL
  }

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobsParameter named = new JobsParameter();
  @Mixin private LogRangeOptions range = new LogRangeOptions();

  @Option(
      names = {"-t", "--timestamps"},
      description = "Put before each line when it was captured.")
  private boolean timestamps;

  @Option(
      names = "--raw",
      description = "Where output is missing, go on in the middle of a line if it is there.")
  private boolean raw;

  @Option(
      names = {"-o", "--format"},
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "text, as it is (default), or jsonl: an object a line, with stream and offset.")
  private Format format = Format.TEXT;

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "Copy it to FILE; the same again goes on where a copy was broken off.")
  private Optional<Path> file = Optional.empty();

  private final OutputStream out = StandardOutput.outBytes();
  private final OutputStream err = StandardOutput.errBytes();
  private List<Found> jobs = List.of();
  private final AtomicBoolean broken = new AtomicBoolean();
  private final AtomicBoolean unread = new AtomicBoolean();

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    LogRange wanted = range.get();
    Optional<Path> copy = file.filter(path -> !path.equals(STANDARD_OUTPUT));
    if (copy.isPresent() && (!named.isOne() || format != Format.TEXT || timestamps)) {
      throw new UsageException("--output takes one job's output as it is, byte for byte");
    }
    jobs =
        new Retry(server, PATIENCE, this::sayBroken)
            .run(connection -> named.find(connection, server));
    if (jobs.size() != 1) {
      return followAll(wanted);
    }
    String id =
        switch (jobs.getFirst()) {
          case Found.Job job -> job.id();
          case Found.Refused refused -> throw new RefusedException(refused.why());
        };
    if (copy.isPresent()) {
      new LogDownload(server, PATIENCE, talk, spec.commandLine().getErr())
          .run(id, wanted, copy.get());
    } else {
      follow(server, wanted, id, sink(id, "", out, err));
    }
    return 0;
  }

  private LogSink sink(String id, String prefix, OutputStream out, OutputStream err) {
    return switch (format) {
      case TEXT -> LogPrinter.of(out, err, new LogPrinter.Style(prefix, timestamps, raw));
      case JSONL -> new JsonLines(id, out);
    };
  }

  private void follow(Connector server, LogRange wanted, String id, LogSink sink)
      throws StatusException, InterruptedException, IOException {
    OutputFollower follower =
        wanted.follower(
            id,
            message -> {
              if (broken.compareAndSet(true, false)) {
                remark(
                    "reconnected"
                        + (jobs.size() > 1 ? "" : "; going on at offset " + message.getOffset()));
              }
              boolean isRead = sink.accept(message);
              unread.compareAndSet(false, !isRead);
              return isRead;
            });
    boolean all = new Retry(server, PATIENCE, this::sayBroken).run(follower::copy, follower::next);
    if (all || wanted.until().isPresent()) {
      sink.end();
    }
  }

  /** Once for all jobs: it is one connection. */
  private void sayBroken() {
    if (broken.compareAndSet(false, true)) {
      remark("connection lost; trying to reconnect");
    }
  }

  // --- of several jobs

  private int followAll(LogRange wanted) throws InterruptedException {
    Paint paint = talk.paint().resolved(1, CallersBytes.environment());
    int width = jobs.stream().mapToInt(job -> Table.width(label(job))).max().orElse(0);
    try (Connection connection = server.connect();
        ExecutorService followers = Executors.newVirtualThreadPerTaskExecutor()) {
      CompletionService<Integer> codes = new ExecutorCompletionService<>(followers);
      for (int i = 0; i < jobs.size(); i++) {
        Found job = jobs.get(i);
        String label = label(job);
        String prefix = paint.hue(i, label + " ".repeat(width - Table.width(label)) + " |") + " ";
        var _ = codes.submit(() -> followOne(connection::shared, wanted, job, prefix));
      }
      int worst = 0;
      for (int i = 0; i < jobs.size(); i++) {
        worst = Math.max(worst, get(codes.take()));
        if (unread.get()) {
          followers.shutdownNow(); // as one program whose reader has gone
          return 0;
        }
      }
      return worst;
    }
  }

  private static int get(Future<Integer> code) throws InterruptedException {
    try {
      return code.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  /** What cannot be had of one job is said, and keeps nobody from the others'. */
  private int followOne(Connector shared, LogRange wanted, Found one, String prefix)
      throws InterruptedException {
    if (!(one instanceof Found.Job job)) {
      Failure refused = ((Found.Refused) one).why();
      say(refused.message());
      return refused.exitCode();
    }
    WholeLines ownOut = new WholeLines(out);
    WholeLines ownErr = new WholeLines(err);
    try (ownOut;
        ownErr) {
      follow(shared, wanted, job.id(), sink(job.id(), prefix, ownOut, ownErr));
      if (!unread.get()) {
        ownOut.endLine();
        ownErr.endLine();
      }
      return 0;
    } catch (StatusException | IOException | RuntimeException e) {
      if (e instanceof StandardOutput.WriteFailed failed && failed.isNobodyReading()) {
        unread.set(true);
        return 0;
      }
      Failure failure = Failure.of(e, Flags.of(spec.commandLine().getParseResult()));
      say(failure.message());
      return failure.exitCode();
    }
  }

  /** A UUID is cut as tables have it; other words are as they were typed, if they can be shown. */
  private static String label(Found job) {
    String plain = Printable.line(job.typed());
    return plain.length() == UUID_LENGTH ? plain.substring(0, SHORT_ID) : plain;
  }

  private void remark(String what) {
    if (!talk.quiet()) {
      say(what);
    }
  }

  private void say(String what) {
    synchronized (err) {
      talk.say(what);
    }
  }
}
