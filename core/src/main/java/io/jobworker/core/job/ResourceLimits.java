package io.jobworker.core.job;

import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The resource limits of getrlimit(2) that every job can be given, by their names in the sheet. */
public final class ResourceLimits {
  /** As {@code launcher/src/sheet.c} has them. */
  public static final Set<String> NAMES =
      Set.of(
          "as", "core", "cpu", "data", "fsize", "memlock", "msgqueue", "nofile", "nproc", "stack");

  private static final String UNLIMITED = "unlimited";
  private static final Pattern VALUE =
      Pattern.compile("(\\d{1,18}|unlimited):(\\d{1,18}|unlimited)");

  private ResourceLimits() {}

  /**
   * Refuses what no launcher would take.
   *
   * @param limits each as {@code SOFT:HARD}
   * @throws IllegalArgumentException with what is wrong, and how to write it
   */
  public static void requireValid(Map<String, String> limits) {
    limits.forEach((name, value) -> {
      if (!NAMES.contains(name)) {
        throw new IllegalArgumentException(
            "'" + name + "' is not one of " + String.join(", ", new TreeSet<>(NAMES)));
      }
      Matcher matcher = VALUE.matcher(value);
      if (!matcher.matches() || isAbove(matcher.group(1), matcher.group(2))) {
        throw new IllegalArgumentException(
            name
                + ": '"
                + value
                + "' is not SOFT:HARD, each a number or unlimited, and SOFT not above HARD");
      }
    });
  }

  private static boolean isAbove(String soft, String hard) {
    return !hard.equals(UNLIMITED)
        && (soft.equals(UNLIMITED) || Long.parseLong(soft) > Long.parseLong(hard));
  }
}
