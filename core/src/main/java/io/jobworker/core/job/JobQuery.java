package io.jobworker.core.job;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which jobs are asked for; the newest come first.
 *
 * @param owner whose jobs; empty: everybody's
 * @param state in which state; empty: any
 * @param labels that a job must have, all of them
 * @param after where the page before ended; empty: from the newest
 * @param limit how many at most
 */
public record JobQuery(
    Optional<String> owner,
    Optional<JobState> state,
    Map<String, String> labels,
    Optional<Position> after,
    int limit) {

  public static final int MAX_LIMIT = 1000;

  public JobQuery {
    labels = Map.copyOf(labels);
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit: from 1 to " + MAX_LIMIT);
    }
  }

  /**
   * Refuses labels that no job can have.
   *
   * @throws JobException.InvalidSpec with the first that is out of bounds
   */
  public void requireValid() {
    SpecCheck.checkLabels(RequestField.QUERY_LABELS, labels);
  }

  /** Whether the job is one of those asked for, whoever owns it. */
  public boolean matches(JobStatus job) {
    return (state.isEmpty() || state.get() == job.state())
        && job.spec().labels().entrySet().containsAll(labels.entrySet());
  }

  /** A job's place in the order. Its text form is for handing out and taking back. */
  public record Position(Instant createdAt, JobId id) {
    private static final Pattern TEXT = Pattern.compile("(\\d{1,12})\\.(\\d{1,9})\\.(.{36})");

    public static Optional<Position> parse(String text) {
      Matcher matcher = TEXT.matcher(text);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      Instant createdAt =
          Instant.ofEpochSecond(Long.parseLong(matcher.group(1)), Long.parseLong(matcher.group(2)));
      return JobId.parse(matcher.group(3)).map(id -> new Position(createdAt, id));
    }

    public static Position of(JobStatus job) {
      return new Position(job.createdAt(), job.id());
    }

    @Override
    public String toString() {
      return createdAt.getEpochSecond() + "." + createdAt.getNano() + "." + id;
    }
  }
}
