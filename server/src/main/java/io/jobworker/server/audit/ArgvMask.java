package io.jobworker.server.audit;

import io.jobworker.base.words.OsString;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What of a job's arguments is written down: not what matches one of the patterns, and not more
 * than so much. Immutable.
 */
final class ArgvMask {
  static final int MAX_CHARACTERS = 8192;

  private static final String MASKED = "***";

  /** A pattern's group of this name is what is taken out; without one, all that it matches. */
  private static final String SECRET = "secret";

  /** Of an option whose secret is the next argument. */
  private static final int LONGEST_NAME = 128;

  private final List<Pattern> patterns;

  ArgvMask(List<Pattern> patterns) {
    this.patterns = List.copyOf(patterns);
  }

  /**
   * Arguments as they are to be written down.
   *
   * @param omitted how many characters at their end are left out
   */
  record Masked(List<String> arguments, long omitted) {}

  /** Takes out what matches, and then what is too much; a byte that is no UTF-8 is {@code \xe9}. */
  Masked mask(List<String> arguments) {
    List<String> shown = new ArrayList<>();
    int left = MAX_CHARACTERS;
    long omitted = 0;
    String before = "";
    for (String argument : arguments) {
      // What is cut off is cut off first: a pattern need not look at a mebibyte.
      String head = argument.substring(0, Math.min(left, argument.length()));
      omitted += argument.length() - head.length();
      if (left > 0) {
        shown.add(OsString.escaped(mask(before + " ", head)));
      }
      left -= head.length();
      before = head;
    }
    return new Masked(shown, omitted);
  }

  /** Takes out what matches of an argument; a pattern sees also the one before it. */
  private String mask(String before, String argument) {
    String masked = argument;
    try {
      for (Pattern pattern : patterns) {
        masked =
            pattern.namedGroups().containsKey(SECRET)
                ? maskGroups(pattern, before, masked)
                : maskMatches(pattern, before, masked);
      }
      return masked;
    } catch (RuntimeException | StackOverflowError e) { // as a pattern may cause by some arguments
      return MASKED;
    }
  }

  /** Of a pattern that looks behind for what says that this is a secret. */
  private static String maskMatches(Pattern pattern, String before, String argument) {
    String text = before + argument;
    Matcher matcher =
        pattern.matcher(text).useTransparentBounds(true).region(before.length(), text.length());
    var replaced = new StringBuilder();
    while (matcher.find()) {
      matcher.appendReplacement(replaced, Matcher.quoteReplacement(MASKED));
    }
    return matcher.appendTail(replaced).substring(before.length());
  }

  /** Of a pattern that matches that, too, which takes a hundredth of the time. */
  private static String maskGroups(Pattern pattern, String before, String argument) {
    String name = before.substring(Math.max(0, before.length() - LONGEST_NAME));
    var replaced = new StringBuilder();
    int end = 0;
    Matcher across = pattern.matcher(name + argument);
    for (int from = 0; from < name.length() && across.find(from); from = across.start() + 1) {
      if (across.start(SECRET) == name.length()) {
        replaced.append(MASKED);
        end = across.end(SECRET) - name.length();
        break;
      }
    }
    Matcher within = pattern.matcher(argument);
    for (boolean found = within.find(end); found; found = within.find()) {
      boolean named = within.start(SECRET) >= 0; // it may be an optional group
      int start = Math.max(end, named ? within.start(SECRET) : within.start());
      replaced.append(argument, end, start).append(MASKED);
      end = Math.max(start, named ? within.end(SECRET) : within.end());
    }
    return replaced.append(argument, end, argument.length()).toString();
  }
}
