package io.jobworker.cli.command;

import picocli.CommandLine.Option;

/** The option {@code --output} of the verbs that print more than a word. */
public final class FormatOption {
  /** How to print. */
  enum Format {
    TEXT,
    JSON,
    JSONL
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      defaultValue = "text",
      description = "text, for people (default); json, for programs; jsonl, an object a line.")
  private Format format = Format.TEXT;

  Format get() {
    return format;
  }
}
