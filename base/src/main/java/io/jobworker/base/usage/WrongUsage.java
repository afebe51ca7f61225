package io.jobworker.base.usage;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** What is said of words that the command line does not understand. */
public final class WrongUsage {
  /** As kill(1) takes them, too. */
  private static final Pattern SIGNAL = Pattern.compile("-(\\d+|[A-Z]+[0-9]?)");

  private WrongUsage() {}

  /** One line: what, and what may have been meant. */
  public static String message(ParameterException failure) {
    if (failure instanceof UnmatchedArgumentException unmatched
        && !unmatched.getUnmatched().isEmpty()) {
      return unknown(
          unmatched.getUnmatched().getFirst(), failure.getCommandLine().getCommandSpec());
    }
    return String.valueOf(failure.getMessage());
  }

  private static String unknown(String word, CommandSpec where) {
    if (word.startsWith("-") && word.length() > 1) {
      int equals = word.indexOf('=');
      String option = equals < 0 ? word : word.substring(0, equals);
      String hint = Nearest.hint(option, options(where));
      return "unknown option "
          + option
          + (hint.isEmpty() && takesSignal(where) && SIGNAL.matcher(option).matches()
              ? "; a signal is given by -s " + option.substring(1)
              : hint);
    }
    return where.subcommands().isEmpty() ? "unexpected word '" + word + "'" : noVerb(word, where);
  }

  /** For a word where the name of a verb should be. */
  public static String noVerb(String word, CommandSpec program) {
    return "there is no verb '" + word + "'" + Nearest.hint(word, verbs(program));
  }

  private static boolean takesSignal(CommandSpec where) {
    return where.findOption("-s") != null;
  }

  private static List<String> options(CommandSpec where) {
    return where.options().stream()
        .filter(option -> !option.hidden())
        .map(OptionSpec::names)
        .flatMap(Stream::of)
        .filter(name -> name.startsWith("--"))
        .toList();
  }

  /** All that may stand there, other names of the same among them. */
  public static List<String> verbs(CommandSpec program) {
    return program.subcommands().entrySet().stream()
        .filter(verb -> !verb.getValue().getCommandSpec().usageMessage().hidden())
        .map(verb -> verb.getKey())
        .toList();
  }
}
