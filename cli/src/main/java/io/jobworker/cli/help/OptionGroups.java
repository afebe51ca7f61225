package io.jobworker.cli.help;

import java.lang.reflect.Member;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** A verb's options by what they are about: its own first, those that every verb has last. */
final class OptionGroups {
  private static final String OWN = "Options";
  private static final String HELP = "Help";

  private OptionGroups() {}

  /** Titles, with the options of each in the order in which they are declared. */
  static Map<String, List<OptionSpec>> of(CommandSpec verb) {
    Map<String, List<OptionSpec>> found = new LinkedHashMap<>();
    found.put(OWN, new ArrayList<>());
    List<OptionSpec> inherited = new ArrayList<>();
    List<OptionSpec> help = new ArrayList<>();
    for (OptionSpec option : verb.options()) {
      if (option.hidden()) {
        continue;
      }
      if (option.usageHelp() || option.versionHelp()) {
        help.add(option);
      } else if (option.inherited()) {
        inherited.add(option);
      } else {
        found.computeIfAbsent(title(option), _ -> new ArrayList<>()).add(option);
      }
    }
    for (OptionSpec option : inherited) {
      found.computeIfAbsent(title(option), _ -> new ArrayList<>()).add(option);
    }
    found.computeIfAbsent(HELP, _ -> new ArrayList<>()).addAll(help);
    found.values().removeIf(List::isEmpty);
    return found;
  }

  private static String title(OptionSpec option) {
    if (option.userObject() instanceof Member member) {
      Class<?> declaring = member.getDeclaringClass();
      if (declaring.isAnnotationPresent(HelpGroup.class)) {
        return declaring.getAnnotation(HelpGroup.class).value();
      }
    }
    return OWN;
  }
}
