package io.jobworker.cli.command;

import io.jobworker.base.usage.Usage;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.spec.Amounts;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParseResult;

/**
 * The table of what the contract's fields are called on the command line, so that a refusal names
 * what was typed.
 */
public final class Flags implements Failure.Typed {
  private static final String ENVIRONMENT = "--env"; // whose values are nobody's business

  private static final Map<String, String> TABLE =
      Map.ofEntries(
          Map.entry("id", "ID"),
          Map.entry("spec.command", "COMMAND"),
          Map.entry("spec.env", ENVIRONMENT),
          Map.entry("spec.working_dir", "--workdir"),
          Map.entry(
              "spec.limits.io", "--io-read-bps, --io-write-bps, --io-read-iops, --io-write-iops"),
          Map.entry("spec.limits.io.path", "--io-path"),
          Map.entry("spec.isolation.network", "--network"),
          Map.entry("spec.isolation.filesystem", "--read-only"),
          Map.entry("spec.timeout", "--timeout"),
          Map.entry("spec.name", "--name"),
          Map.entry("spec.labels", "--label"),
          Map.entry("spec.output_retain_bytes", "--output-limit"),
          Map.entry("labels", "--label"),
          Map.entry("owner", "--owner"),
          Map.entry("statuses", "--status"),
          Map.entry("id_prefixes", "ID"),
          Map.entry("names", "ID"),
          Map.entry("name_part", "--name"),
          Map.entry("created_from", "--since"),
          Map.entry("created_before", "--until"),
          Map.entry("after_revision", "--after"),
          Map.entry("stop.grace", "--grace"),
          Map.entry("stop.signal", "--signal"),
          Map.entry("logs", "--tail, --since, --offset"),
          Map.entry("logs.offset", "--offset"),
          Map.entry("logs.tail_lines", "--tail"),
          Map.entry("logs.since", "--since"),
          Map.entry("logs.stream", "--stream"));

  /** A problem that goes on where the field's name ends. */
  private static final List<String> PREDICATES = List.of("is ", "must ", "has ");

  private static final int MAX_SHOWN = 64;

  private final Optional<ParseResult> line;

  private Flags(Optional<ParseResult> line) {
    this.line = line;
  }

  /** What was typed on the line, with its verb. */
  public static Flags of(ParseResult line) {
    ParseResult verb = line;
    while (verb.hasSubcommand()) {
      verb = verb.subcommand();
    }
    return new Flags(Optional.of(verb));
  }

  /**
   * The option or parameter for the field; words for one that there is no option for. A limit's
   * option is called as its key in a job's file, unless the table says otherwise.
   */
  static String name(String field) {
    String last = field.substring(field.lastIndexOf('.') + 1);
    String name =
        field.equals("spec.limits." + last)
            ? "--" + Amounts.key(last)
            : "the job's " + last.replace('_', ' ');
    return TABLE.getOrDefault(field, name);
  }

  /** What is called so, by the names on the command line. */
  static List<String> names() {
    return TABLE.values().stream().flatMap(names -> List.of(names.split(", ")).stream()).toList();
  }

  @Override
  public String say(String field, String problem) {
    if (field.equals("id")) {
      return problem; // which quotes it
    }
    String subject = name(field) + typed(name(field)).map(value -> " " + value).orElse("");
    boolean goesOn = PREDICATES.stream().anyMatch(problem::startsWith);
    return subject + (goesOn ? " " : ": ") + problem;
  }

  /** The one value that was given to an option; of several nobody knows which is meant. */
  private Optional<String> typed(String name) {
    return line.map(verb -> verb.matchedOption(name))
        .map(OptionSpec::originalStringValues)
        .filter(values -> values.size() == 1 && !ENVIRONMENT.equals(name))
        .map(values -> Usage.shown(values.getFirst()))
        .filter(value -> value.length() <= MAX_SHOWN);
  }
}
