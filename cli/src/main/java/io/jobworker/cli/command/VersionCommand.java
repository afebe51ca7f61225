package io.jobworker.cli.command;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code version}: the same as {@code --version}, for whoever looks for a verb. */
@Command(
    name = "version",
    description = "Tells the version of this program.",
    mixinStandardHelpOptions = true)
public final class VersionCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Override
  public Integer call() {
    spec.commandLine().printVersionHelp(spec.commandLine().getOut());
    spec.commandLine().getOut().flush();
    return 0;
  }
}
