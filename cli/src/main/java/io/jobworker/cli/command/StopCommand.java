package io.jobworker.cli.command;

import com.google.protobuf.Duration;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.api.v1.StopOptions;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import java.io.PrintWriter;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code stop}: ends a job's whole process tree. */
@Command(
    name = "stop",
    description = "Ends a job: SIGKILL to its whole process tree, or a signal first.",
    mixinStandardHelpOptions = true)
public final class StopCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @Mixin private JobIdParameter job = new JobIdParameter();

  @Option(
      names = "--grace",
      paramLabel = "TIME",
      converter = Times.class,
      description = "Send SIGTERM first and SIGKILL after this long, as in 10s.")
  private Optional<Duration> grace = Optional.empty();

  @Option(
      names = "--signal",
      paramLabel = "NAME",
      description =
          "With --grace, the signal to send first; default: SIGTERM. Alone, it is sent and no more.")
  private Optional<String> signal = Optional.empty();

  @Override
  public Integer call() throws StatusException {
    StopOptions.Builder stop = StopOptions.newBuilder();
    grace.ifPresent(stop::setGrace);
    signal.ifPresent(stop::setSignal);
    JobRequest request = job.request().setStop(stop).build();
    try (Connection connection = server.connect()) {
      JobResponse response = connection.calls().stop(request);
      PrintWriter out = spec.commandLine().getOut();
      out.println(response.getStatus());
      out.flush();
    }
    return 0;
  }
}
