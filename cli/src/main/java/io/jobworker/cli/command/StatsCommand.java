package io.jobworker.cli.command;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.base.linux.Signals;
import io.jobworker.cli.command.FormatOption.Format;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.render.LiveScreen;
import io.jobworker.cli.render.Screen;
import io.jobworker.cli.render.StandardOutput;
import io.jobworker.cli.render.StatsTable;
import io.jobworker.cli.render.Talk;
import io.jobworker.cli.render.Terminal;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * {@code stats}: what jobs use, live. When the connection breaks, it is made anew and the figures
 * go on.
 */
@Command(
    name = "stats",
    description = "Shows what jobs use, live, until all of them have ended.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Default: all that run. A figure that this host cannot measure is -. With -o jsonl, or json,",
      "there is one object a job and line.",
      "",
      "Examples:",
      "  job-worker stats",
      "  job-worker stats --sort cpu --label team=build",
      "  job-worker stats --once -o jsonl @last",
    })
public final class StatsCommand implements Callable<Integer> {
  private static final Duration INTERVAL = Duration.ofSeconds(1); // as the streams have it

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final int STANDARD_OUTPUT = 1;
  private static final String STOP = "TSTP";

  /** In JSON these are always there. */
  private static final Set<FieldDescriptor> FIGURES =
      Set.copyOf(JobStats.getDescriptor().getFields());

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobsParameter jobs = new JobsParameter();
  @Mixin private FormatOption format = new FormatOption();

  @Option(names = "--once", description = "Print once and end.")
  private boolean once;

  @Option(
      names = "--sort",
      paramLabel = "BY",
      defaultValue = "age",
      description = "age (default), name, cpu, memory, pids, read, write or output.")
  private StatsTable.Order order = StatsTable.Order.AGE;

  private final StatsWatch watch = new StatsWatch();
  private int worst;

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    PrintWriter out = spec.commandLine().getOut();
    Screen shown = talk.screen();
    if (once) {
      try (Connection connection = server.connect()) {
        find(connection);
        if (format.get() == Format.TEXT) {
          Thread.sleep(INTERVAL); // what they use in a second
          watch.refresh(connection);
        }
      }
      print(out, shown);
      return worst;
    }
    if (format.get() != Format.TEXT || !Terminal.isRewritable(STANDARD_OUTPUT)) {
      return follow(() -> print(out, shown));
    }
    LiveScreen live = new LiveScreen(out);
    Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(live::close)); // Ctrl-C
    Signals.handle(STOP, () -> stop(live)); // Ctrl-Z
    try (live) {
      return follow(() -> redraw(live, shown));
    }
  }

  private int follow(StatsWatch.Frame frame)
      throws StatusException, InterruptedException, IOException {
    return new Retry(server, PATIENCE, this::sayBroken)
        .run(
            connection -> {
              if (watch.isEmpty()) {
                find(connection);
              }
              watch.follow(
                  connection,
                  INTERVAL,
                  format.get() == Format.TEXT, // what is printed comes with the streams
                  frame);
              return worst;
            },
            watch::received);
  }

  private void sayBroken() {
    talk.remark("connection lost; trying to reconnect");
  }

  /** The terminal is the shell's until we are in the foreground again. */
  private static void stop(LiveScreen live) {
    live.leave();
    Signals.raise(STOP);
    Signals.handle(STOP, () -> stop(live));
  }

  private void redraw(LiveScreen live, Screen shown) {
    Screen.Size size = Screen.size();
    live.show(
        StatsTable.lines(watch.figures(), order, shown, OptionalInt.of(size.columns())),
        size.rows());
  }

  /** Finds out about the jobs that were named, or else about all that run. */
  private void find(Connection connection) throws StatusException, IOException {
    if (jobs.isEmpty()) {
      watch.findRunning(connection);
      return;
    }
    for (Found one : jobs.find(connection, server)) {
      switch (one) {
        case Found.Job job ->
            watch.put(connection.calls().status(JobRequest.newBuilder().setId(job.id()).build()));
        case Found.Refused refused -> {
          talk.say(refused.why().message());
          worst = Math.max(worst, refused.why().exitCode());
        }
      }
    }
  }

  private void print(PrintWriter out, Screen shown) throws IOException {
    switch (format.get()) {
      case TEXT ->
          StatsTable.lines(watch.figures(), order, shown, shown.width()).forEach(out::println);
      case JSON, JSONL -> {
        for (JobStatusResponse job : watch.jobs()) {
          JobStatusResponse usage =
              JobStatusResponse.newBuilder()
                  .setId(job.getId())
                  .setStatus(job.getStatus())
                  .setUsage(job.getUsage())
                  .addAllUnmeasured(job.getUnmeasuredList())
                  .build();
          out.println(Json.line(usage, FIGURES));
        }
      }
    }
    StandardOutput.requireWritten(out, "the figures"); // which nobody may read any more
  }
}
