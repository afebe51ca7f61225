package io.jobworker.cli.command;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.render.StatsTable;
import java.io.Console;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code stats}: what jobs use, live. */
@Command(
    name = "stats",
    description = "Shows what jobs use, live, until all of them have ended.",
    mixinStandardHelpOptions = true)
public final class StatsCommand implements Callable<Integer> {
  private static final long INTERVAL_MS = 1000;

  private static final Set<String> PASSING = Set.of("running", "stopping");

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;

  @Parameters(paramLabel = "ID", arity = "0..*", description = "The jobs; default: all that run.")
  private List<String> ids = new ArrayList<>();

  @Option(names = "--once", description = "Print once and end.")
  private boolean once;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "text, for people (default), or json, one object a job and line.")
  private Format format = Format.TEXT;

  @Override
  public Integer call()
      throws StatusException, InvalidProtocolBufferException, InterruptedException {
    PrintWriter out = spec.commandLine().getOut();
    boolean redraw = format == Format.TEXT && !once && onTerminal();
    if (format == Format.TEXT) {
      out.println(StatsTable.header());
    }
    try (Connection connection = server.connect()) {
      List<String> watched = ids.isEmpty() ? running(connection) : ids;
      while (true) {
        List<JobStatusResponse> jobs = new ArrayList<>();
        for (String id : watched) {
          jobs.add(connection.calls().status(JobRequest.newBuilder().setId(id.strip()).build()));
        }
        print(out, jobs);
        if (once || jobs.stream().noneMatch(job -> PASSING.contains(job.getStatus()))) {
          return 0;
        }
        Thread.sleep(INTERVAL_MS);
        if (redraw) {
          out.printf(
              "\033[%dA\033[J", jobs.size()); // ECMA-48: up so many lines, erase what is below
        }
      }
    }
  }

  @SuppressWarnings("SystemConsoleNull") // it may be for those who bring a console of their own
  private static boolean onTerminal() {
    Console console = System.console();
    return console != null && console.isTerminal();
  }

  private static List<String> running(Connection connection) throws StatusException {
    List<String> found = new ArrayList<>();
    ListJobsRequest.Builder request = ListJobsRequest.newBuilder().setStatus("running");
    do {
      ListJobsResponse page = connection.calls().list(request.build());
      page.getJobsList().forEach(job -> found.add(job.getId()));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return found;
  }

  private void print(PrintWriter out, List<JobStatusResponse> jobs)
      throws InvalidProtocolBufferException {
    switch (format) {
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
    out.flush();
  }
}
