package io.jobworker.cli.command;

import com.google.protobuf.Timestamp;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.base.units.Moments;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code list}: the jobs, the newest first. */
@Command(
    name = "list",
    aliases = {"ls", "ps"},
    description = "Lists jobs, the newest first.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "A job is listed if all that is asked for holds of it.",
      "",
      "Examples:",
      "  job-worker ls --status running --status stopping",
      "  job-worker ls --label team=build --since 2d",
      "  job-worker ls -q --status failed | job-worker rm -",
    })
public final class ListCommand implements Callable<Integer> {
  private static final int PAGE = 1000;

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;

  @Option(
      names = "--status",
      paramLabel = "STATUS",
      split = ",",
      description =
          "Only those that are running, stopping, exited, failed, stopped or lost; may repeat.")
  private List<String> statuses = new ArrayList<>();

  @Option(
      names = {"-l", "--label"},
      paramLabel = "K=V",
      description = "Only those with this label; may repeat.")
  private Map<String, String> labels = new LinkedHashMap<>();

  @Option(
      names = "--name",
      paramLabel = "TEXT",
      description = "Only those with this in their name.")
  private String name = "";

  @Option(
      names = "--owner",
      paramLabel = "CLIENT",
      description = "Only this client's, for viewers and admins, who see everybody's.")
  private String owner = "";

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description = "Only those started at or after TIME: 2026-01-31T12:00:00Z, or 15m ago.")
  private Optional<String> since = Optional.empty();

  @Option(names = "--until", paramLabel = "TIME", description = "Only those started before TIME.")
  private Optional<String> until = Optional.empty();

  @Option(
      names = {"-n", "--last"},
      paramLabel = "N",
      description = "No more than the N newest of them.")
  private Optional<Integer> last = Optional.empty();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "table",
      description = {
        "table (default); wide, with whole ids, owners, labels and times; json, an array; jsonl,",
        "an object a line; name: name:NAME, or the id of a job without one."
      })
  private JobsFormat format = JobsFormat.TABLE;

  @Override
  public Integer call() throws StatusException, IOException {
    ListJobsRequest.Builder request =
        ListJobsRequest.newBuilder()
            .addAllStatuses(statuses)
            .putAllLabels(labels)
            .setNamePart(name)
            .setOwner(owner);
    since.ifPresent(text -> request.setCreatedFrom(moment("--since", text)));
    until.ifPresent(text -> request.setCreatedBefore(moment("--until", text)));
    if (last.isPresent() && last.get() < 1) {
      throw new UsageException("--last: give a number from 1 on");
    }
    List<JobStatusResponse> jobs = new ArrayList<>();
    try (Connection connection = server.connect()) {
      int most = last.orElse(Integer.MAX_VALUE);
      do {
        request.setPageSize(Math.min(PAGE, most - jobs.size()));
        ListJobsResponse page = connection.calls().list(request.build());
        jobs.addAll(page.getJobsList());
        request.setPageToken(page.getNextPageToken());
      } while (!request.getPageToken().isEmpty() && jobs.size() < most);
    }
    print(jobs);
    return 0;
  }

  private static Timestamp moment(String option, String text) {
    try {
      Instant moment = Moments.parse(text, Clock.system(ZoneId.systemDefault()));
      return Timestamp.newBuilder()
          .setSeconds(moment.getEpochSecond())
          .setNanos(moment.getNano())
          .build();
    } catch (IllegalArgumentException e) {
      throw new UsageException(option + ": " + e.getMessage());
    }
  }

  private void print(List<JobStatusResponse> jobs) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    if (talk.quiet()) {
      jobs.forEach(job -> out.println(job.getId()));
    } else {
      format.print(out, jobs, talk);
    }
    out.flush();
  }
}
