package io.jobworker.base.usage;

import static java.util.Comparator.comparingInt;

import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/** What somebody may have meant who typed a word that nothing is called by. */
public final class Nearest {
  private static final int MOST = 3;

  private Nearest() {}

  /** {@code ; did you mean logs or ls?}, or nothing, to end an error with. */
  public static String hint(String typed, Collection<String> names) {
    List<String> near = of(typed, names);
    return near.isEmpty()
        ? ""
        : near.stream().collect(Collectors.joining(" or ", "; did you mean ", "?"));
  }

  /** The names that are no further from it than typing errors go, the nearest first. */
  public static List<String> of(String typed, Collection<String> names) {
    int reach = Math.max(1, typed.replace("-", "").length() / 3);
    return names.stream()
        .distinct()
        .filter(name -> distance(typed, name) <= reach)
        .sorted(comparingInt(name -> distance(typed, name)))
        .limit(MOST)
        .toList();
  }

  /**
   * How many characters must be put in, taken out, replaced or swapped with the next (optimal
   * string alignment).
   */
  static int distance(String from, String to) {
    int[][] cost = new int[from.length() + 1][to.length() + 1];
    for (int i = 0; i <= from.length(); i++) {
      for (int j = 0; j <= to.length(); j++) {
        if (i == 0 || j == 0) {
          cost[i][j] = i + j;
          continue;
        }
        boolean same = from.charAt(i - 1) == to.charAt(j - 1);
        int least = Math.min(cost[i - 1][j], cost[i][j - 1]) + 1;
        least = Math.min(least, cost[i - 1][j - 1] + (same ? 0 : 1));
        boolean swapped =
            i > 1
                && j > 1
                && from.charAt(i - 1) == to.charAt(j - 2)
                && from.charAt(i - 2) == to.charAt(j - 1);
        cost[i][j] = swapped ? Math.min(least, cost[i - 2][j - 2] + 1) : least;
      }
    }
    return cost[from.length()][to.length()];
  }
}
