package io.jobworker.cli.command;

import io.jobworker.base.usage.WrongUsage;
import io.jobworker.cli.help.HelpLayout;
import io.jobworker.cli.help.ManPages;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code help}: what a verb does, as its {@code --help} tells too. */
@Command(
    name = "help",
    description = "Tells what a verb does.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Examples:",
      "  job-worker help",
      "  job-worker help run",
      "  job-worker help --man run | man -l -",
    })
public final class HelpCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "VERB", arity = "0..1", description = "One of the verbs; default: all.")
  private Optional<String> verb = Optional.empty();

  @Option(names = "--man", description = "As a page for man(1).")
  private boolean man;

  @Option(
      names = "--man-pages",
      paramLabel = "DIR",
      hidden = true,
      description = "Write all pages for man(1) to DIR.")
  private Optional<Path> manPages = Optional.empty();

  @Override
  public Integer call() throws IOException {
    CommandLine program = spec.parent().commandLine();
    if (manPages.isPresent()) {
      ManPages.write(program, manPages.get());
      return 0;
    }
    CommandLine about = verb.isPresent() ? named(program, verb.get()) : program;
    PrintWriter out = spec.commandLine().getOut();
    if (man) {
      out.print(ManPages.page(about));
    } else {
      HelpLayout.fit(about.getCommandSpec());
      about.usage(out);
    }
    out.flush();
    return 0;
  }

  private CommandLine named(CommandLine program, String name) {
    CommandLine found = program.getSubcommands().get(name);
    if (found == null) {
      throw new ParameterException(
          spec.commandLine(), WrongUsage.noVerb(name, program.getCommandSpec()));
    }
    return found;
  }
}
