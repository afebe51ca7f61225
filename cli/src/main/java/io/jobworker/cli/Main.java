package io.jobworker.cli;

import io.jobworker.base.usage.Usage;
import io.jobworker.base.words.CallersBytes;
import io.jobworker.cli.command.CompleteJobsCommand;
import io.jobworker.cli.command.CompletionCommand;
import io.jobworker.cli.command.ContextCommand;
import io.jobworker.cli.command.Flags;
import io.jobworker.cli.command.HelpCommand;
import io.jobworker.cli.command.KillCommand;
import io.jobworker.cli.command.ListCommand;
import io.jobworker.cli.command.LogsCommand;
import io.jobworker.cli.command.RemoveCommand;
import io.jobworker.cli.command.RunCommand;
import io.jobworker.cli.command.StartCommand;
import io.jobworker.cli.command.StatsCommand;
import io.jobworker.cli.command.StatusCommand;
import io.jobworker.cli.command.StopCommand;
import io.jobworker.cli.command.TalkOptions;
import io.jobworker.cli.command.Verbs;
import io.jobworker.cli.command.VersionCommand;
import io.jobworker.cli.command.WaitCommand;
import io.jobworker.cli.command.WatchCommand;
import io.jobworker.cli.connect.ConnectOptions;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Contexts;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.exit.JobExit;
import io.jobworker.cli.help.HelpLayout;
import io.jobworker.cli.render.Paint;
import io.jobworker.cli.render.StandardOutput;
import io.jobworker.cli.render.Talk;
import java.io.PrintWriter;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;

/** The program {@code job-worker}. */
@Command(
    name = "job-worker",
    description = "Runs commands on a job-worker server.",
    mixinStandardHelpOptions = true,
    version = "job-worker 0.1.0",
    synopsisSubcommandLabel = "VERB",
    subcommands = {
      RunCommand.class,
      StartCommand.class,
      StatusCommand.class,
      LogsCommand.class,
      StopCommand.class,
      KillCommand.class,
      RemoveCommand.class,
      ListCommand.class,
      WaitCommand.class,
      WatchCommand.class,
      StatsCommand.class,
      ContextCommand.class,
      CompletionCommand.class,
      CompleteJobsCommand.class,
      VersionCommand.class,
      HelpCommand.class,
    },
    footer = {"", "'job-worker help VERB' tells more of a verb."})
public final class Main implements Connector, Talk {
  @Mixin private ConnectOptions options = new ConnectOptions();
  @Mixin private TalkOptions talk = new TalkOptions();

  private Main() {}

  @Override
  public Connection connect() {
    return options.connect(talk.verbose() ? Optional.of(talk::say) : Optional.empty());
  }

  @Override
  public Contexts contexts() {
    return options.contexts();
  }

  @Override
  public Optional<String> context() {
    return options.context();
  }

  @Override
  public String account() {
    return options.account();
  }

  @Override
  public Paint paint() {
    return talk.paint();
  }

  @Override
  public boolean quiet() {
    return talk.quiet();
  }

  @Override
  public boolean verbose() {
    return talk.verbose();
  }

  @Override
  public void say(String line) {
    talk.say(line);
  }

  /** Ends the JVM without waiting for the transport's threads, which saves a third of a second. */
  public static void main(String[] args) {
    int code = run(CallersBytes.arguments(args).toArray(String[]::new));
    if ("orderly".equals(System.getProperty("jobworker.exit"))) {
      System.exit(
          code); // so that the JVM writes what it was asked to at its end (scripts/archives)
    }
    Runtime.getRuntime().halt(code);
  }

  static int run(String... args) {
    CommandLine line = commandLine();
    return written(line, line.execute(args));
  }

  /** The program with all its verbs. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Main());
    Verbs.configure(line);
    Usage.install(line);
    line.setOut(StandardOutput.out());
    line.setErr(StandardOutput.err());
    HelpLayout.install(line);
    line.setExecutionStrategy(HelpLayout.strategy());
    line.setExecutionExceptionHandler((failure, command, parsed) -> {
      if (failure instanceof StandardOutput.WriteFailed e && e.isNobodyReading()) {
        return CommandLine.ExitCode.OK;
      }
      Failure explained = Failure.of(failure, Flags.of(parsed));
      command.getErr().println("job-worker: " + explained.message());
      return exitCode(explained, command.getCommandSpec());
    });
    line.setParameterExceptionHandler((e, a) -> {
      PrintWriter err = e.getCommandLine().getErr();
      err.println("job-worker: " + Usage.explain(e));
      err.println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
      return e.getCommandLine().getCommandSpec().exitCodeOnInvalidInput();
    });
    return line;
  }

  /** A verb that ends as a job does keeps the codes of jobs free of its own failures. */
  private static int exitCode(Failure failure, CommandSpec verb) {
    boolean standsForAJob = verb.exitCodeOnExecutionException() == JobExit.OURS;
    return standsForAJob && failure.exitCode() < JobExit.OURS ? JobExit.OURS : failure.exitCode();
  }

  /** The exit code, which tells too whether somebody has got what was printed. */
  private static int written(CommandLine line, int code) {
    line.getErr().flush();
    try {
      StandardOutput.requireWritten(line.getOut(), "the output");
      return code;
    } catch (StandardOutput.WriteFailed e) {
      if (code != CommandLine.ExitCode.OK || e.isNobodyReading()) {
        return code; // said already
      }
      line.getErr().println("job-worker: " + e.getMessage());
      return Failure.of(e).exitCode();
    }
  }
}
