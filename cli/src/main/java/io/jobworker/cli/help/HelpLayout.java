package io.jobworker.cli.help;

import io.jobworker.cli.exit.ExitCodes;
import io.jobworker.cli.exit.JobExit;
import io.jobworker.cli.render.Paint;
import io.jobworker.cli.render.Screen;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;
import picocli.CommandLine.ParseResult;

/** How help looks: options in groups, and as short as {@code -h} if that was asked for. */
public final class HelpLayout {
  private static final String SHORT = "-h";
  private static final int MIN_WIDTH = 55; // picocli takes no less
  private static final int MAX_WIDTH = 100;

  private HelpLayout() {}

  /** Lays out the help of a command and of all verbs below it. */
  public static void install(CommandLine line) {
    UsageMessageSpec usage = line.getCommandSpec().usageMessage();
    usage.sortOptions(false);
    usage.abbreviateSynopsis(true);
    usage.optionListHeading("");
    usage.exitCodeListHeading("%nExit codes:%n");
    usage.exitCodeList(
        line.getCommandSpec().exitCodeOnExecutionException() == JobExit.OURS
            ? ExitCodes.ofJobs()
            : ExitCodes.ofVerbs());
    line.getHelpSectionMap()
        .put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, help -> groups(help, Integer.MAX_VALUE));
    line.getHelpSectionMap()
        .put(UsageMessageSpec.SECTION_KEY_FOOTER, help -> footer(help.commandSpec()));
    line.getSubcommands().values().forEach(HelpLayout::install);
  }

  /** Runs what was asked for, or prints the help that was. */
  public static IExecutionStrategy strategy() {
    IExecutionStrategy usual = new CommandLine.RunLast();
    return parsed -> {
      ParseResult last = parsed;
      while (last.hasSubcommand()) {
        last = last.subcommand();
      }
      if (last.isUsageHelpRequested()) {
        fit(last.commandSpec());
      }
      if (last.isUsageHelpRequested() && last.originalArgs().contains(SHORT)) {
        CommandLine line = last.commandSpec().commandLine();
        line.getOut().print(shortHelp(line));
        line.getOut().flush();
        return CommandLine.ExitCode.OK;
      }
      return usual.execute(parsed);
    };
  }

  /** Has the help of a command be as wide as the terminal, within what can be read. */
  public static void fit(CommandSpec command) {
    Screen.of(Paint.NEVER)
        .width()
        .ifPresent(
            columns -> command.usageMessage().width(Math.clamp(columns, MIN_WIDTH, MAX_WIDTH)));
  }

  private static String shortHelp(CommandLine line) {
    Help help = line.getHelp();
    CommandSpec verb = line.getCommandSpec();
    boolean isProgram = verb.parent() == null;
    return help.description()
        + help.synopsisHeading()
        + help.synopsis(help.synopsisHeadingLength())
        + help.parameterList()
        + (isProgram ? help.commandListHeading() + help.commandList() : groups(help, 1))
        + "%n'%s' tells more.%n"
            .formatted(
                verb.parent() != null && verb.parent().parent() == null
                    ? "job-worker help " + verb.name()
                    : verb.qualifiedName() + " --help");
  }

  /** Lines of a paragraph flow; those that are further in, as examples are, stay as they are. */
  private static String footer(CommandSpec command) {
    StringBuilder text = new StringBuilder();
    int used = 0;
    for (String line : command.usageMessage().footer()) {
      boolean asItIs = line.isEmpty() || line.startsWith(" ");
      if (used > 0 && asItIs) {
        text.append('\n');
        used = 0;
      }
      if (asItIs) {
        text.append(line).append('\n');
        continue;
      }
      for (String word : line.split(" ")) {
        boolean fits = used + 1 + word.length() < command.usageMessage().width();
        if (used > 0) {
          text.append(fits ? ' ' : '\n');
        }
        used = (used > 0 && fits ? used + 1 : 0) + word.length();
        text.append(word);
      }
    }
    return used > 0 ? text.append('\n').toString() : text.toString();
  }

  private static String groups(Help help, int most) {
    StringBuilder text = new StringBuilder();
    int left = most;
    for (Map.Entry<String, List<OptionSpec>> group :
        OptionGroups.of(help.commandSpec()).entrySet()) {
      if (left-- == 0) {
        break;
      }
      Help.Layout layout = help.createDefaultLayout();
      layout.addOptions(group.getValue(), help.parameterLabelRenderer());
      text.append("%n%s:%n".formatted(group.getKey())).append(layout);
    }
    return text.toString();
  }
}
