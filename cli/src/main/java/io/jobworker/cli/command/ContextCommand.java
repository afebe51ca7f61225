package io.jobworker.cli.command;

import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Contexts;
import io.jobworker.cli.connect.UsageException;
import java.io.IOException;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code context}: which of several servers is meant. */
@Command(
    name = "context",
    description = "Lists the servers that the configuration knows, and says which is meant.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "(ls | use CONTEXT | show)",
    footer = {
      "",
      "The configuration names them, each with a client's file beside it:",
      "  current = \"lab\"",
      "  [contexts.lab]",
      "  config = \"lab.toml\"",
      "JOB_WORKER_CONTEXT and --context choose another.",
      "",
      "Examples:",
      "  job-worker context ls",
      "  job-worker context use lab",
      "  job-worker --context lab status 813c08e2-9925-4137-b5df-d50d90ca7bf9",
    })
public final class ContextCommand {
  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;

  @Command(
      name = "ls",
      description = "Lists them; the current one has a star before it.",
      mixinStandardHelpOptions = true)
  int list() {
    Contexts contexts = server.contexts();
    if (contexts.names().isEmpty()) {
      PrintWriter err = spec.commandLine().getErr();
      err.println("job-worker: note: " + contexts.file() + " names no contexts");
      err.flush();
    }
    PrintWriter out = spec.commandLine().getOut();
    String current = contexts.current().orElse("");
    int width = contexts.names().stream().mapToInt(String::length).max().orElse(0);
    for (String name : contexts.names()) {
      out.printf(
          "%s %-" + width + "s  %s%n",
          name.equals(current) ? "*" : " ",
          name,
          contexts.clientFile(name));
    }
    out.flush();
    return 0;
  }

  @Command(
      name = "use",
      description = "Has this one be meant where none is named.",
      mixinStandardHelpOptions = true)
  int use(@Parameters(paramLabel = "CONTEXT", description = "Its name.") String name)
      throws IOException {
    server.contexts().use(name);
    return 0;
  }

  @Command(
      name = "show",
      description = "Prints which one is meant.",
      mixinStandardHelpOptions = true)
  int show() {
    Contexts contexts = server.contexts();
    String name =
        server
            .context()
            .orElseThrow(() -> new UsageException("no context is chosen in " + contexts.file()));
    var _ = contexts.clientFile(name);
    PrintWriter out = spec.commandLine().getOut();
    out.println(name);
    out.flush();
    return 0;
  }
}
