package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code rm}: forgets ended jobs and their output. */
@Command(
    name = "rm",
    description = "Forgets jobs that have ended, with their output.",
    mixinStandardHelpOptions = true)
public final class RemoveCommand implements Callable<Integer> {
  @ParentCommand private Connector server = Connector.NONE;

  @Parameters(
      paramLabel = "ID",
      arity = "1..*",
      description = "The jobs' UUIDs, as 'start' printed them.")
  private List<String> ids = new ArrayList<>();

  @Override
  public Integer call() throws StatusException {
    try (Connection connection = server.connect()) {
      for (String id : ids) {
        var _ = connection.calls().remove(JobRequest.newBuilder().setId(id.strip()).build());
      }
    }
    return 0;
  }
}
