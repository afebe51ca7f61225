package io.jobworker.core.job;

import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Which jobs are asked for; the newest come first.
 *
 * @param owner whose jobs; empty: everybody's
 * @param filter what they must be like
 * @param after where the page before ended; empty: from the newest
 * @param limit how many at most
 */
public record JobQuery(
    Optional<String> owner, JobFilter filter, Optional<Position> after, int limit) {

  public static final int MAX_LIMIT = 1000;

  public JobQuery {
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit: from 1 to " + MAX_LIMIT);
    }
  }

  /**
   * A job's place in the order in which jobs were started, which no clock has a say in. Its text
   * form is for handing out and taking back.
   */
  public record Position(long sequence) {
    private static final Pattern TEXT = Pattern.compile("\\d{1,18}");

    public static Optional<Position> parse(String text) {
      return TEXT.matcher(text).matches()
          ? Optional.of(new Position(Long.parseLong(text)))
          : Optional.empty();
    }

    @Override
    public String toString() {
      return Long.toString(sequence);
    }
  }
}
