package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.cli.command.FormatOption.Format;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.render.StandardOutput;
import io.jobworker.cli.render.StatsTable;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
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
    footer = {"", "With -o json there is one object a job and line."})
public final class StatsCommand implements Callable<Integer> {
  private static final Duration INTERVAL = Duration.ofSeconds(1); // as the streams have it

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @Mixin private FormatOption format = new FormatOption();

  @Parameters(paramLabel = "ID", arity = "0..*", description = "The jobs; default: all that run.")
  private List<String> ids = new ArrayList<>();

  @Option(names = "--once", description = "Print once and end.")
  private boolean once;

  private final StatsWatch watch = new StatsWatch();
  private int drawn; // lines that the next frame replaces

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (format.get() == Format.TEXT) {
      out.println(StatsTable.header());
    }
    if (once) {
      try (Connection connection = server.connect()) {
        find(connection);
      }
      print(out, watch.jobs());
      return 0;
    }
    boolean redraw = format.get() == Format.TEXT && onTerminal();
    return new Retry(server, PATIENCE, this::sayBroken)
        .run(
            connection -> {
              if (watch.isEmpty()) {
                find(connection);
              }
              watch.follow(connection, INTERVAL, jobs -> draw(out, jobs, redraw));
              return 0;
            },
            watch::received);
  }

  private void sayBroken() {
    drawn = 0; // the next frame goes below what is said
    spec.commandLine().getErr().println("job-worker: connection lost; trying to reconnect");
  }

  private void draw(PrintWriter out, List<JobStatusResponse> jobs, boolean redraw)
      throws IOException {
    if (redraw && drawn > 0) {
      out.printf("\033[%dA\033[J", drawn); // ECMA-48: up so many lines, erase what is below
    }
    print(out, jobs);
    drawn = jobs.size();
  }

  /** Finds out about the jobs that were named, or else about all that run. */
  private void find(Connection connection) throws StatusException {
    for (String id : ids) {
      watch.put(connection.calls().status(JobRequest.newBuilder().setId(id.strip()).build()));
    }
    if (!ids.isEmpty()) {
      return;
    }
    ListJobsRequest.Builder request = ListJobsRequest.newBuilder().setStatus("running");
    do {
      ListJobsResponse page = connection.calls().list(request.build());
      page.getJobsList().forEach(watch::put);
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
  }

  @SuppressWarnings("SystemConsoleNull") // it may be for those who bring a console of their own
  private static boolean onTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  private void print(PrintWriter out, List<JobStatusResponse> jobs) throws IOException {
    switch (format.get()) {
      case TEXT -> StatsTable.lines(jobs).forEach(out::println);
      case JSON -> {
        for (JobStatusResponse job : jobs) {
          JobStatusResponse usage =
              JobStatusResponse.newBuilder()
                  .setId(job.getId())
                  .setStatus(job.getStatus())
                  .setUsage(job.getUsage())
                  .build();
          out.println(Json.line(usage));
        }
      }
    }
    StandardOutput.requireWritten(out, "the figures"); // which nobody may read any more
  }
}
