package io.jobworker.cli.command;

import picocli.CommandLine.Option;

/** The option {@code -q} of the verbs that print a line a job. */
public final class QuietOption {
  @Option(
      names = {"-q", "--quiet"},
      description = "Print nothing but the ids.")
  private boolean quiet;

  boolean get() {
    return quiet;
  }
}
