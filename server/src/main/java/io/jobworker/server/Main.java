package io.jobworker.server;

import io.jobworker.base.usage.Usage;
import io.jobworker.base.words.CallersBytes;
import io.jobworker.base.words.OsString;
import io.jobworker.core.job.JobException;
import io.jobworker.server.clients.ClientRegistry.RegistryException;
import io.jobworker.server.command.CertsCommand;
import io.jobworker.server.command.CheckCommand;
import io.jobworker.server.command.ClientCommand;
import io.jobworker.server.command.InitCommand;
import io.jobworker.server.command.ServeCommand;
import io.jobworker.server.config.ConfigException;
import java.io.IOException;
import java.io.UncheckedIOException;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program {@code job-worker-server}. */
@Command(
    name = "job-worker-server",
    description = "Runs commands on this machine on behalf of its clients.",
    mixinStandardHelpOptions = true,
    version = "job-worker-server 0.1.0",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      InitCommand.class,
      ClientCommand.class,
      CertsCommand.class,
      ServeCommand.class,
      CheckCommand.class
    })
public final class Main {
  private static final int FAILED = 1;

  private Main() {}

  public static void main(String[] args) {
    System.exit(run(CallersBytes.arguments(args).toArray(String[]::new)));
  }

  static int run(String... args) {
    CommandLine line = commandLine();
    for (String word : args) {
      if (!OsString.isUtf8(word)) { // the log, the audit and SQLite name files by characters
        line.getErr()
            .println(
                "job-worker-server: '"
                    + OsString.escaped(word)
                    + "' must be UTF-8, which the byte at position "
                    + (OsString.firstInvalid(word).orElse(0) + 1)
                    + " is not");
        return CommandLine.ExitCode.USAGE;
      }
    }
    return line.execute(args);
  }

  /** The program with all its verbs. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Main());
    Usage.install(line);
    line.setExpandAtFiles(false); // nobody's words are ours to change
    CommandLine.tracer().setLevel(CommandLine.TraceLevel.OFF);
    String[] version = line.getCommandSpec().version();
    line.getSubcommands().values().forEach(verb -> verb.getCommandSpec().version(version));
    line.setCaseInsensitiveEnumValuesAllowed(true);
    line.setExecutionExceptionHandler(Main::explain);
    line.setParameterExceptionHandler((e, a) -> {
      e.getCommandLine().getErr().println("job-worker-server: " + Usage.explain(e));
      e.getCommandLine()
          .getErr()
          .println("Try '" + e.getCommandLine().getCommandSpec().qualifiedName() + " --help'.");
      return CommandLine.ExitCode.USAGE;
    });
    return line;
  }

  /** Nobody gets to see a stack trace; one line says what was wrong. */
  private static int explain(Exception failure, CommandLine line, CommandLine.ParseResult ignored) {
    String message =
        switch (failure) {
          case ConfigException e -> e.getMessage();
          case JobException e -> e.getMessage();
          case RegistryException e -> e.getMessage();
          case IOException e -> "cannot access " + e.getMessage();
          case UncheckedIOException e -> "cannot access " + e.getMessage();
          default -> "internal error: " + failure;
        };
    line.getErr().println("job-worker-server: " + message);
    return FAILED;
  }
}
