package io.jobworker.cli;

import io.jobworker.cli.command.KillCommand;
import io.jobworker.cli.command.ListCommand;
import io.jobworker.cli.command.LogsCommand;
import io.jobworker.cli.command.RemoveCommand;
import io.jobworker.cli.command.StartCommand;
import io.jobworker.cli.command.StatsCommand;
import io.jobworker.cli.command.StatusCommand;
import io.jobworker.cli.command.StopCommand;
import io.jobworker.cli.command.WaitCommand;
import io.jobworker.cli.command.WatchCommand;
import io.jobworker.cli.connect.ConnectOptions;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Failure;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** The program {@code job-worker}. */
@Command(
    name = "job-worker",
    description = "Runs commands on a job-worker server.",
    mixinStandardHelpOptions = true,
    version = "job-worker 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
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
    },
    footer = {
      "",
      "Exit codes: 0 done; 1 refused by the server; 2 wrong usage; 125 server not",
      "reached or TLS failure; 126 the job's program cannot be executed; 127 it was",
      "not found."
    })
public final class Main implements Connector {
  @Mixin private ConnectOptions options = new ConnectOptions();

  private Main() {}

  @Override
  public Connection connect() {
    return options.connect();
  }

  @Override
  public String account() {
    return options.account();
  }

  /** Ends the JVM without waiting for the transport's threads, which saves a third of a second. */
  public static void main(String[] args) {
    int code = run(args);
    System.out.flush();
    System.err.flush();
    if ("orderly".equals(System.getProperty("jobworker.exit"))) {
      System.exit(
          code); // so that the JVM writes what it was asked to at its end (scripts/cli-archive)
    }
    Runtime.getRuntime().halt(code);
  }

  static int run(String... args) {
    CommandLine line = new CommandLine(new Main());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExpandAtFiles(false); // @last is a job, and words are not ours to change
    line.setExecutionExceptionHandler((failure, command, parsed) -> {
      Failure explained = Failure.of(failure);
      command.getErr().println("job-worker: " + explained.message());
      return explained.exitCode();
    });
    line.setParameterExceptionHandler((e, a) -> {
      PrintWriter err = e.getCommandLine().getErr();
      err.println("job-worker: " + e.getMessage());
      err.println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
      return CommandLine.ExitCode.USAGE;
    });
    return line.execute(args);
  }
}
