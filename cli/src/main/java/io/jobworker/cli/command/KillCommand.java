package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.StopOptions;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.render.Statuses;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code kill}: sends jobs a signal, and nothing else. */
@Command(
    name = "kill",
    description = "Sends a signal to jobs, and nothing else; 'stop' sees to their ends.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "All are tried; the exit code is that of the worst. A job that has ended is refused.",
      "",
      "Examples:",
      "  job-worker kill -s HUP name:web",
      "  job-worker kill @last",
      "  job-worker kill --signal USR1 --label team=build",
    })
public final class KillCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobsParameter jobs = new JobsParameter();

  @Option(
      names = {"-s", "--signal"},
      paramLabel = "SIGNAL",
      defaultValue = "KILL",
      description = "The signal, by its name or number; default: KILL.")
  private String signal = "KILL";

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    try (Connection connection = server.connect()) {
      return new Batch(spec).run(jobs.find(connection, server), job -> kill(connection, job));
    }
  }

  private String kill(Connection connection, Found.Job job) throws StatusException {
    JobRequest request = JobRequest.newBuilder().setId(job.id()).build();
    JobStatusResponse before =
        job.known().isPresent() ? job.known().get() : connection.calls().status(request);
    if (Statuses.isFinal(before)) {
      throw new Batch.NotDone("has ended: " + Statuses.of(before));
    }
    StopOptions alone = StopOptions.newBuilder().setSignal(signal).build();
    var _ = connection.calls().stop(request.toBuilder().setStop(alone).build());
    return talk.quiet()
        ? job.id()
        : Statuses.shortId(job.id()) + "  " + SignalNames.of(signal) + " sent";
  }
}
