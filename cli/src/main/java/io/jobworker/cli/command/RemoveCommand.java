package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.render.Statuses;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code rm}: forgets ended jobs and their output. */
@Command(
    name = "rm",
    description = "Forgets jobs that have ended, with their output.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "All are tried; the exit code is that of the worst. A job that runs is refused.",
      "",
      "Examples:",
      "  job-worker rm @last",
      "  job-worker rm --label team=build",
      "  job-worker ls -q --status failed | job-worker rm -",
    })
public final class RemoveCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobsParameter jobs = new JobsParameter();

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    try (Connection connection = server.connect()) {
      return new Batch(spec).run(jobs.find(connection, server), job -> remove(connection, job));
    }
  }

  private String remove(Connection connection, Found.Job job) throws StatusException {
    var _ = connection.calls().remove(JobRequest.newBuilder().setId(job.id()).build());
    return talk.quiet() ? job.id() : Statuses.shortId(job.id()) + "  removed";
  }
}
