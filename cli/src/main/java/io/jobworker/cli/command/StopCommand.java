package io.jobworker.cli.command;

import com.google.protobuf.Duration;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.StopOptions;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.render.Amounts;
import io.jobworker.cli.render.Statuses;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code stop}: ends jobs' whole process trees. */
@Command(
    name = "stop",
    description = "Ends jobs: SIGKILL to the whole process tree, or a signal first.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "All are tried, a few at once; the exit code is that of the worst. A job that has",
      "ended already is no failure.",
      "",
      "Examples:",
      "  job-worker stop --grace 10s name:nightly",
      "  job-worker stop --label team=build",
      "  job-worker ls -q --name nightly --status running | job-worker stop -",
    })
public final class StopCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobsParameter jobs = new JobsParameter();

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
  public Integer call() throws StatusException, InterruptedException, IOException {
    StopOptions.Builder options = StopOptions.newBuilder();
    grace.ifPresent(options::setGrace);
    signal.ifPresent(options::setSignal);
    StopOptions stop = options.build();
    try (Connection connection = server.connect()) {
      return new Batch(spec).run(jobs.find(connection, server), job -> stop(connection, job, stop));
    }
  }

  private String stop(Connection connection, Found.Job job, StopOptions stop)
      throws StatusException {
    JobRequest request = JobRequest.newBuilder().setId(job.id()).build();
    JobStatusResponse before =
        job.known().isPresent() ? job.known().get() : connection.calls().status(request);
    long start = System.nanoTime();
    String status = connection.calls().stop(request.toBuilder().setStop(stop).build()).getStatus();
    java.time.Duration took = java.time.Duration.ofNanos(System.nanoTime() - start);
    if (!stop.getSignal().isEmpty() && !stop.hasGrace()) {
      return talk.quiet()
          ? job.id()
          : Statuses.shortId(job.id()) + "  " + SignalNames.of(stop.getSignal()) + " sent";
    }
    if (status.equals("stopping")) {
      throw new Batch.NotDone("told to stop, and has not ended yet");
    }
    if (talk.quiet()) {
      return job.id();
    }
    String shown = Statuses.shortId(job.id()) + "  ";
    if (Statuses.isFinal(before) || !status.equals("stopped")) {
      JobStatusResponse now =
          Statuses.isFinal(before) ? before : connection.calls().status(request);
      return shown + "had ended: " + Statuses.of(now);
    }
    return shown + status + " (" + how(before, stop, took) + ")";
  }

  private static String how(JobStatusResponse before, StopOptions stop, java.time.Duration took) {
    java.time.Duration grace =
        Amounts.duration(stop.hasGrace() ? stop.getGrace() : before.getSpec().getGrace());
    if (grace.isZero()) {
      return "SIGKILL";
    }
    String signal = stop.getSignal().isEmpty() ? "SIGTERM" : SignalNames.of(stop.getSignal());
    return signal + ", " + Amounts.duration(took);
  }
}
