package io.jobworker.cli.command;

import picocli.CommandLine;
import picocli.CommandLine.Tracer;

/** How every verb's words are read. */
public final class Verbs {
  private Verbs() {}

  /** Sets up the whole command line, with all verbs. */
  public static void configure(CommandLine line) {
    // Nobody's words are ours to change: no @file is read, and nothing is said of odd quotes.
    line.setExpandAtFiles(false);
    Tracer tracer = CommandLine.tracer();
    tracer.setLevel(CommandLine.TraceLevel.OFF);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    Text.requireIn(line);
    tellVersion(line, line.getCommandSpec().version());
  }

  private static void tellVersion(CommandLine line, String... version) {
    line.getCommandSpec().version(version);
    line.getSubcommands().values().forEach(verb -> tellVersion(verb, version));
  }
}
