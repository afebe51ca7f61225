package io.jobworker.cli.help;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** A command's help as a page for man(1), in the macros of man(7). */
final class ManPage {
  private static final String EXAMPLES = "Examples:";

  private final CommandLine line;
  private final CommandSpec command;
  private final StringBuilder page = new StringBuilder();

  private ManPage(CommandLine line) {
    this.line = line;
    this.command = line.getCommandSpec();
  }

  /** The page's name, which is what man(1) is asked for. */
  static String name(CommandSpec command) {
    return command.qualifiedName("-");
  }

  static String of(CommandLine line) {
    return new ManPage(line).write();
  }

  private String write() {
    UsageMessageSpec usage = command.usageMessage();
    String version = Stream.of(command.root().version()).collect(Collectors.joining(" "));
    macro("TH", name(command).toUpperCase(Locale.ROOT), "1", "", version, "User commands");
    macro("SH", "NAME");
    text(name(command) + " - " + lowerFirst(joined(usage.description())));
    macro("SH", "SYNOPSIS");
    macro("nf");
    Help help = line.getHelp();
    text(help.synopsis(0).strip());
    macro("fi");
    macro("SH", "DESCRIPTION");
    text(joined(usage.description()));
    parameters();
    verbs();
    options();
    footer(usage.footer());
    exitCodes(usage.exitCodeList());
    return page.toString();
  }

  private void parameters() {
    for (PositionalParamSpec parameter : command.positionalParameters()) {
      if (!parameter.hidden()) {
        item("\\fI" + escaped(parameter.paramLabel()) + "\\fR", joined(parameter.description()));
      }
    }
  }

  private void verbs() {
    if (command.subcommands().isEmpty()) {
      return;
    }
    macro("SH", "VERBS");
    command
        .subcommands()
        .forEach((name, verb) -> {
          UsageMessageSpec usage = verb.getCommandSpec().usageMessage();
          if (!usage.hidden() && name.equals(verb.getCommandName())) {
            item("\\fB" + escaped(name) + "\\fR", joined(usage.description()));
          }
        });
  }

  private void options() {
    macro("SH", "OPTIONS");
    for (Map.Entry<String, List<OptionSpec>> group : OptionGroups.of(command).entrySet()) {
      macro("SS", group.getKey());
      for (OptionSpec option : group.getValue()) {
        String names =
            Stream.of(option.names())
                .map(name -> "\\fB" + escaped(name) + "\\fR")
                .collect(Collectors.joining(", "));
        boolean hasValue = option.arity().max() > 0;
        String value = hasValue ? " \\fI" + escaped(option.paramLabel()) + "\\fR" : "";
        item(names + value, joined(option.description()));
      }
    }
  }

  private void footer(String... lines) {
    boolean asItIs = false;
    for (String line : lines) {
      boolean code = line.startsWith("  ");
      if (code != asItIs) {
        macro(code ? "nf" : "fi");
        asItIs = code;
      }
      if (line.equals(EXAMPLES)) {
        macro("SH", "EXAMPLES");
      } else if (line.isEmpty()) {
        macro("PP");
      } else {
        text(line);
      }
    }
    if (asItIs) {
      macro("fi");
    }
  }

  private void exitCodes(Map<String, String> codes) {
    macro("SH", "EXIT STATUS");
    codes.forEach((code, meaning) -> item("\\fB" + escaped(code) + "\\fR", meaning));
  }

  // --- roff(7)

  private void item(String tag, String text) {
    macro("TP");
    page.append(tag).append('\n');
    text(text);
  }

  private void macro(String name, String... arguments) {
    page.append('.').append(name);
    for (String argument : arguments) {
      page.append(" \"").append(escaped(argument)).append('"');
    }
    page.append('\n');
  }

  private void text(String text) {
    // A line that begins with a dot or an apostrophe would be a request; \& is of no width.
    text.lines()
        .forEach(line -> {
          boolean request = line.startsWith(".") || line.startsWith("'");
          page.append(request ? "\\&" : "").append(escaped(line)).append('\n');
        });
  }

  private static String escaped(String text) {
    return text.replace("\\", "\\e")
        .replace("-", "\\-")
        .replace("\"", "\\(dq")
        .replace("'", "\\(aq");
  }

  private static String joined(String... lines) {
    return Stream.of(lines)
        .map(line -> String.format(line))
        .collect(Collectors.joining(" "))
        .strip();
  }

  private static String lowerFirst(String text) {
    return text.substring(0, 1).toLowerCase(Locale.ROOT) + text.substring(1);
  }
}
