package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.words.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code start}: starts a job and prints its id. */
@Command(
    name = "start",
    description = "Starts a job and prints its id.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "One COMMAND is split into words as a shell would, without expanding anything;",
      "several, after --, are passed on as they are:",
      "  job-worker start \"ls -la '/my dir'\"",
      "  job-worker start -- ls -la '/my dir'",
      "  job-worker start --shell 'ls | wc -l'"
    })
public final class StartCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @Mixin private JobSpecOptions job = new JobSpecOptions();

  @Parameters(
      paramLabel = "COMMAND",
      arity = "1..*",
      description = "The command to run: one string, or -- and its words.")
  private List<String> command = new ArrayList<>();

  @Option(names = "--shell", description = "Run COMMAND with /bin/sh -c.")
  private boolean shell;

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    JobRequest request =
        JobRequest.newBuilder()
            .setSpec(job.spec().addAllCommand(argv()).setRequestId(UUID.randomUUID().toString()))
            .build();
    // The request id makes it safe to ask again: it is one job, however often it is asked for.
    JobResponse response =
        new Retry(server, PATIENCE, this::sayBroken)
            .run(connection -> connection.calls().start(request));
    PrintWriter out = spec.commandLine().getOut();
    out.println(response.getId());
    out.flush();
    LastJob.of(server).remember(response.getId(), spec.commandLine().getErr());
    return 0;
  }

  private void sayBroken() {
    spec.commandLine().getErr().println("job-worker: connection lost; asking again");
  }

  private List<String> argv() {
    if (shell) {
      return List.of("/bin/sh", "-c", String.join(" ", command));
    }
    if (command.size() > 1) {
      return command;
    }
    try {
      List<String> words = Words.split(command.getFirst());
      if (words.isEmpty()) {
        throw new UsageException("the command is empty");
      }
      words.stream().filter(Words::isOperator).findFirst().ifPresent(this::warnOfOperator);
      return words;
    } catch (Words.SyntaxException e) {
      throw new UsageException("cannot split the command into words: " + e.getMessage());
    }
  }

  private void warnOfOperator(String word) {
    spec.commandLine()
        .getErr()
        .println(
            "job-worker: note: '"
                + word
                + "' goes to the program as it is; use --shell to have a"
                + " shell act on it");
  }
}
