package io.jobworker.core.job;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * What jobs are looked for; a job must be as every part says.
 *
 * @param states in one of these; empty: any
 * @param labels that it has, all of them
 * @param naming by id or name; default: whatever they are
 * @param namePart what its name has in it
 * @param createdFrom not started before this
 * @param createdBefore started before this
 */
public record JobFilter(
    Set<JobState> states,
    Map<String, String> labels,
    Naming naming,
    String namePart,
    Optional<Instant> createdFrom,
    Optional<Instant> createdBefore) {

  /** All jobs. */
  public static final JobFilter ALL =
      new JobFilter(Set.of(), Map.of(), Naming.ANY, "", Optional.empty(), Optional.empty());

  public JobFilter {
    states = Set.copyOf(states);
    labels = Map.copyOf(labels);
  }

  /**
   * By what a job can be named; one of either is enough.
   *
   * @param idPrefixes what its id begins with
   * @param names all of its name
   */
  public record Naming(List<String> idPrefixes, List<String> names) {
    /** However it is named. */
    public static final Naming ANY = new Naming(List.of(), List.of());

    /** How many of each there may be. */
    public static final int MAX = 100;

    /** Fewer characters would name too many. */
    public static final int MIN_PREFIX_LENGTH = 4;

    private static final Pattern PREFIX =
        Pattern.compile("[0-9a-f-]{" + MIN_PREFIX_LENGTH + ",36}");

    public Naming {
      idPrefixes = List.copyOf(idPrefixes);
      names = List.copyOf(names);
    }

    /** Whether an id can begin so, and not too many do. */
    public static boolean isPrefix(String text) {
      return PREFIX.matcher(text).matches();
    }

    public boolean isAny() {
      return idPrefixes.isEmpty() && names.isEmpty();
    }
  }

  public JobFilter withStates(JobState... some) {
    return new JobFilter(Set.of(some), labels, naming, namePart, createdFrom, createdBefore);
  }

  public JobFilter withLabels(Map<String, String> all) {
    return new JobFilter(states, all, naming, namePart, createdFrom, createdBefore);
  }

  public JobFilter withNaming(Naming by) {
    return new JobFilter(states, labels, by, namePart, createdFrom, createdBefore);
  }

  /**
   * Refuses labels that no job can have.
   *
   * @throws JobException.InvalidSpec with the first that is out of bounds
   */
  public void requireValid() {
    SpecCheck.checkLabels(RequestField.QUERY_LABELS, labels);
  }

  /** Whether the job is one of these in all but {@link #naming}, which the store looks at. */
  public boolean matches(JobStatus job) {
    return (states.isEmpty() || states.contains(job.state()))
        && hasLabels(job.spec())
        && job.spec().name().contains(namePart)
        && createdFrom.map(from -> !job.createdAt().isBefore(from)).orElse(true)
        && createdBefore.map(before -> job.createdAt().isBefore(before)).orElse(true);
  }

  private boolean hasLabels(JobSpec job) {
    return job.labels().entrySet().containsAll(labels.entrySet());
  }
}
