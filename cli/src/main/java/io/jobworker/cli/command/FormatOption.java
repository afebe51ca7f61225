package io.jobworker.cli.command;

import picocli.CommandLine.Option;

/** The option {@code --output} of the verbs that print more than a word. */
public final class FormatOption {
  /** How to print. */
  enum Format {
    TEXT,
    JSON
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "text, for people (default), or json, for programs.")
  private Format format = Format.TEXT;

  Format get() {
    return format;
  }
}
