package io.jobworker.cli.command;

import io.jobworker.cli.help.Completion;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code completion}: a script for a shell. */
@Command(
    name = "completion",
    description = "Prints a script that has a shell complete words, ids of jobs among them.",
    mixinStandardHelpOptions = true,
    footer = {
      "",
      "Examples:",
      "  job-worker completion bash >~/.local/share/bash-completion/completions/job-worker",
      "  job-worker completion zsh >~/.zfunc/_job-worker",
      "  job-worker completion fish >~/.config/fish/completions/job-worker.fish",
    })
public final class CompletionCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "SHELL", description = "bash, zsh or fish.")
  private Completion shell = Completion.BASH;

  @Override
  public Integer call() {
    PrintWriter out = spec.commandLine().getOut();
    out.print(shell.script(spec.root()));
    out.flush();
    return 0;
  }
}
