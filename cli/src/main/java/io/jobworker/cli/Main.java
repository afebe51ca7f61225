package io.jobworker.cli;

import io.jobworker.cli.command.Flags;
import io.jobworker.cli.command.LogsCommand;
import io.jobworker.cli.command.RemoveCommand;
import io.jobworker.cli.command.StartCommand;
import io.jobworker.cli.command.StatsCommand;
import io.jobworker.cli.command.StatusCommand;
import io.jobworker.cli.command.StopCommand;
import io.jobworker.cli.command.Usage;
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
      RemoveCommand.class,
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
    return line().execute(args);
  }

  /** The program's grammar, and what it says of errors. */
  static CommandLine line() {
    CommandLine line = new CommandLine(new Main());
    line.setCaseInsensitiveEnumValuesAllowed(true);
    Usage.install(line);
    line.setExecutionExceptionHandler((failure, command, parsed) -> {
      Failure explained = Failure.of(failure, Flags.of(parsed));
      command.getErr().println("job-worker: " + explained.message());
      return explained.exitCode();
    });
    line.setParameterExceptionHandler((e, a) -> {
      PrintWriter err = e.getCommandLine().getErr();
      err.println("job-worker: " + Usage.explain(e));
      err.println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
      return CommandLine.ExitCode.USAGE;
    });
    return line;
  }
}
