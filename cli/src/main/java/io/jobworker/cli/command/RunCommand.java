package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.exit.JobExit;
import io.jobworker.cli.render.LogPrinter;
import io.jobworker.cli.render.StandardOutput;
import io.jobworker.cli.render.Talk;
import io.jobworker.cli.run.IdFile;
import io.jobworker.cli.run.JobRun;
import io.jobworker.cli.run.StdinSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code run}: a job as if it were a program here. */
@Command(
    name = "run",
    description = "Runs a program as a job, as if it ran here: its output, its exit code, Ctrl-C.",
    mixinStandardHelpOptions = true,
    exitCodeOnInvalidInput = JobExit.OURS,
    exitCodeOnExecutionException = JobExit.OURS,
    footer = {
      "",
      "Everything from COMMAND on belongs to the job. Ctrl-C interrupts the job, twice kills it; a",
      "connection that is lost is made anew. If this command is killed, the job lives on.",
      "Sizes are 512, 64K, 1.5G, 256Mi or 1GB, where 1K is 1024; times are 90s, 1h30m or 2d.",
      "",
      "Examples:",
      "  job-worker run --memory 512M -- make test",
      "  job-worker run --rm --timeout 10m sh -c 'sort | uniq -c' <words",
      "  job-worker run --detach --name nightly /srv/backup",
    })
public final class RunCommand implements Callable<Integer> {
  private static final int BROKEN_PIPE = 128 + 13;

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobSpecOptions job = new JobSpecOptions();

  @Mixin private ProgramParameter program = new ProgramParameter();
  @Mixin private JobFileOptions files = new JobFileOptions();

  @Option(
      names = {"-d", "--detach"},
      description = "Print the job's id and leave it running.")
  private boolean detach;

  @Option(names = "--rm", description = "Forget the job and its output when it has ended.")
  private boolean remove;

  @Option(
      names = "--id-file",
      paramLabel = "FILE",
      description = "Write the job's id to FILE, which must not be there yet.")
  private Optional<Path> idFile = Optional.empty();

  @Option(
      names = {"-i", "--interactive"},
      description = "Give the job our standard input also where that is a terminal.")
  private boolean interactive;

  @Option(
      names = "--no-stdin",
      description =
          "Give the job no standard input, also where ours is no terminal; so does --detach.")
  private boolean noStdin;

  @Option(
      names = "--reconnect",
      paramLabel = "TIME",
      defaultValue = "5m",
      converter = TimeLengths.class,
      description = "How long to try when the connection is lost; default: 5m.")
  private Duration reconnect = Duration.ofMinutes(5);

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    if (detach && remove) {
      throw new UsageException("--rm needs a run that waits for the job's end, not --detach");
    }
    JobSpec.Builder what = files.with(job.spec(program.argv()).build());
    if (detach && interactive) {
      throw new UsageException("-i needs a run that stays, not --detach");
    }
    try (IdFile file = IdFile.of(idFile)) {
      JobRun run = new JobRun(server, what.build(), input(), reconnect, talk, this::leave);
      return detach ? start(run, file) : run(run, file);
    }
  }

  private Optional<InputStream> input() {
    StdinSource source = StdinSource.ofProcess();
    if (interactive) {
      return Optional.of(source.whatever());
    }
    return noStdin || detach ? Optional.empty() : source.unlessTerminal();
  }

  private int start(JobRun run, IdFile file)
      throws StatusException, InterruptedException, IOException {
    String id = run.start(given -> remember(given, file));
    PrintWriter out = spec.commandLine().getOut();
    out.println(id);
    StandardOutput.requireWritten(out, "job " + id + " was started, but its id");
    return 0;
  }

  private int run(JobRun run, IdFile file)
      throws StatusException, InterruptedException, IOException {
    LogPrinter printer = LogPrinter.of(StandardOutput.outBytes(), StandardOutput.errBytes());
    try {
      JobStatusResponse ended = run.run(id -> started(id, file), printer, remove);
      JobExit exit = JobExit.of(ended);
      exit.line().ifPresent(talk::say);
      return exit.code();
    } catch (JobRun.NobodyReads e) {
      return BROKEN_PIPE;
    } catch (StatusException | IOException e) {
      run.id().ifPresent(id -> talk.say("the job is on its own now: " + id));
      throw e;
    }
  }

  private void started(String id, IdFile file) throws IOException {
    remember(id, file);
    if (talk.verbose()) {
      talk.say(id);
    }
  }

  private void remember(String id, IdFile file) throws IOException {
    LastJob.of(server).remember(id, spec.commandLine().getErr());
    file.write(id);
  }

  private void leave(int exitCode) {
    Runtime.getRuntime().halt(exitCode);
  }
}
