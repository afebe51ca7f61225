package io.jobworker.cli.command;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.WatchRequest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.render.ChangeLine;
import io.jobworker.cli.render.Json;
import io.jobworker.cli.render.Screen;
import io.jobworker.cli.render.StandardOutput;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/**
 * {@code watch}: what happens to jobs, a line each. When the connection breaks, it is made anew and
 * the changes go on after the last one.
 */
@Command(
    name = "watch",
    description = "Prints what happens to jobs, a line each, until it is interrupted.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Started, stopping, ended, removed: none is missed, also while the server is away.",
      "With -o jsonl, or json, there is an object a line, with a revision to go on after.",
      "",
      "Examples:",
      "  job-worker watch",
      "  job-worker watch --label team=build",
      "  job-worker watch -o jsonl --after 1764187200000123",
    })
public final class WatchCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  /** In JSON these are always there; what a change does not tell is not. */
  private static final Set<FieldDescriptor> ALWAYS =
      Stream.of("id", "status", "owner", "revision", "removed")
          .map(JobStatusResponse.getDescriptor()::findFieldByName)
          .collect(Collectors.toUnmodifiableSet());

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private FormatOption format = new FormatOption();

  @Option(
      names = {"-l", "--label"},
      paramLabel = "K=V",
      description = "Only of jobs with this label; may repeat.")
  private Map<String, String> labels = new LinkedHashMap<>();

  @Option(
      names = "--owner",
      paramLabel = "CLIENT",
      description = "Only of this client's jobs, for viewers and admins, who see everybody's.")
  private String owner = "";

  @Option(
      names = "--after",
      paramLabel = "REVISION",
      description = "Begin after this revision; default: with what happens from now on.")
  private Optional<Long> after = Optional.empty();

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    if (after.filter(revision -> revision < 0).isPresent()) {
      throw new UsageException("--after: write a revision, as 'watch -o jsonl' tells it");
    }
    Screen shown = talk.screen();
    return new Retry(server, PATIENCE, () -> talk.remark("connection lost; trying to reconnect"))
        .run(
            connection -> {
              follow(connection, shown);
              return 0;
            },
            () -> after.orElse(-1L));
  }

  private void follow(Connection connection, Screen shown)
      throws StatusException, InterruptedException, IOException {
    WatchRequest.Builder request =
        WatchRequest.newBuilder().putAllLabels(labels).setOwner(owner).setBookmarks(true);
    after.ifPresent(request::setAfterRevision);
    BlockingClientCall<?, JobStatusResponse> stream = connection.calls().watch(request.build());
    for (JobStatusResponse change; (change = stream.read()) != null; ) {
      if (!change.getId().isEmpty()) {
        print(change, shown);
      }
      after = Optional.of(change.getRevision());
    }
  }

  private void print(JobStatusResponse change, Screen shown) throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        talk.quiet()
            ? change.getId()
            : switch (format.get()) {
              case TEXT -> ChangeLine.of(change, shown, shown.width());
              case JSON, JSONL -> Json.line(change, ALWAYS);
            });
    StandardOutput.requireWritten(out, "the changes"); // which nobody may read any more
  }
}
