package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.InputPump;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.render.StandardOutput;
import io.jobworker.cli.render.Talk;
import io.jobworker.cli.run.StdinSource;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code start}: starts a job and prints its id. */
@Command(
    name = "start",
    description = "Starts a job and prints its id.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Sizes are 512, 64K, 1.5G, 256Mi or 1GB, where 1K is 1024; times are 90s, 1h30m or 2d.",
      "",
      "Examples:",
      "  job-worker start ls -la '/my dir'",
      "  job-worker start \"ls -la '/my dir'\"",
      "  job-worker start -- '/my dir/program'",
      "  job-worker start --shell 'ls | wc -l'"
    })
public final class StartCommand implements Callable<Integer> {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobSpecOptions job = new JobSpecOptions();
  @Mixin private ProgramParameter program = new ProgramParameter();
  @Mixin private JobFileOptions files = new JobFileOptions();
  @Mixin private DryRunOptions dryRun = new DryRunOptions();

  @Option(
      names = {"-i", "--interactive"},
      description = "Print the id, and send this command's input to the job, to its end.")
  private boolean interactive;

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    JobSpec.Builder what = files.with(job.spec(program.argv()).build());
    if (dryRun.isWanted()) {
      dryRun.print(what.build(), spec.commandLine().getOut());
      return 0;
    }
    JobRequest request =
        JobRequest.newBuilder()
            .setSpec(what.setStdinStream(interactive).setRequestId(UUID.randomUUID().toString()))
            .build();
    // The request id makes it safe to ask again: it is one job, however often it is asked for.
    JobResponse response =
        new Retry(server, PATIENCE, this::sayBroken)
            .run(connection -> connection.calls().start(request));
    PrintWriter out = spec.commandLine().getOut();
    out.println(response.getId());
    LastJob.of(server).remember(response.getId(), spec.commandLine().getErr());
    StandardOutput.requireWritten(out, "job " + response.getId() + " was started, but its id");
    if (interactive) {
      sendInput(response.getId());
    }
    return 0;
  }

  /** A job that wants no more of it, or has ended, is no failure of ours. */
  private void sendInput(String id) throws StatusException, InterruptedException, IOException {
    InputPump pump = new InputPump(StdinSource.ofProcess().whatever());
    switch (pump.run(server, id, PATIENCE, this::sayInputBroken)) {
      case ENDED -> {}
      case CLOSED -> talk.say("the job has closed its input; the rest is not sent");
      case JOB_ENDED -> talk.say("the job has ended; the rest of the input is not sent");
    }
  }

  private void sayInputBroken() {
    talk.remark("connection lost; trying to reconnect");
  }

  private void sayBroken() {
    talk.remark("connection lost; asking again");
  }
}
