package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.base.usage.Nearest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.render.Statuses;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Finds the jobs that words mean: a UUID, the beginning of one, {@code name:NAME} or {@code @last}.
 * However many words there are, the server is asked once for all beginnings and once for all names;
 * of a name that no job runs under, once more. A whole UUID needs no asking.
 *
 * <p>A name means the job that runs under it or, if none does, the one that was started last.
 */
final class JobResolver {
  static final String LAST = "@last";
  static final String NAME = "name:";

  private static final Pattern UUID = Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  private static final Pattern PREFIX = Pattern.compile("[0-9a-f-]+");
  private static final int MIN_PREFIX = 4;
  private static final int MAX_AT_ONCE = 100; // as the server takes them
  private static final int SHOWN_CANDIDATES = 10;
  private static final int REFUSED = 1;
  private static final int USAGE = 2;

  private final Connection connection;
  private final LastJob last;

  JobResolver(Connection connection, LastJob last) {
    this.connection = connection;
    this.last = last;
  }

  /** What each of the words means, in their order; of those that mean the same job, the first. */
  List<Found> all(List<String> words) throws StatusException, IOException {
    Map<String, Found> found = new LinkedHashMap<>();
    List<String> prefixes = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (String word : words) {
      found.put(word, known(word));
      if (word.startsWith(NAME)) {
        names.add(word);
      } else if (found.get(word) instanceof Found.Refused refused && isOpen(refused)) {
        prefixes.add(word);
      }
    }
    found.putAll(byPrefix(prefixes));
    found.putAll(byName(names));
    Map<String, Found> distinct = new LinkedHashMap<>();
    for (Found one : found.values()) {
      distinct.putIfAbsent(one instanceof Found.Job job ? job.id() : " " + one.typed(), one);
    }
    return List.copyOf(distinct.values());
  }

  /** The jobs that have all these labels, the newest first. */
  List<Found> labelled(Map<String, String> labels) throws StatusException {
    List<Found> found = new ArrayList<>();
    for (JobStatusResponse job : list(ListJobsRequest.newBuilder().putAllLabels(labels))) {
      found.add(Found.Job.of(job.getId(), job));
    }
    return found;
  }

  /** What can be said without asking; of what cannot, a refusal that {@link #isOpen}. */
  private Found known(String word) throws IOException {
    String lower = word.toLowerCase(Locale.ROOT);
    if (UUID.matcher(lower).matches()) {
      return new Found.Job(word, lower, Optional.empty());
    }
    if (word.equals(LAST)) {
      Optional<String> id = last.id();
      return id.isPresent()
          ? new Found.Job(word, id.get(), Optional.empty())
          : refused(word, REFUSED, "no job was started from here yet");
    }
    if (word.startsWith(NAME)) {
      return word.length() > NAME.length()
          ? none(word)
          : refused(word, USAGE, "the name is missing, as in name:nightly");
    }
    if (!PREFIX.matcher(lower).matches()) {
      return refused(
          word, USAGE, "not a job: write an id or the beginning of one, name:NAME or @last");
    }
    return word.length() < MIN_PREFIX
        ? refused(word, USAGE, "too short: give at least " + MIN_PREFIX + " characters of an id")
        : none(word);
  }

  private static boolean isOpen(Found.Refused refused) {
    return refused.equals(none(refused.typed()));
  }

  private static Found.Refused none(String word) {
    return refused(word, REFUSED, "no such job");
  }

  private static Found.Refused refused(String word, int code, String why) {
    return new Found.Refused(word, new Failure(Statuses.typed(word) + ": " + why, code));
  }

  private Map<String, Found> byPrefix(List<String> words) throws StatusException {
    Map<String, Found> found = new LinkedHashMap<>();
    for (List<String> some : portions(words)) {
      ListJobsRequest.Builder request = ListJobsRequest.newBuilder();
      some.forEach(word -> request.addIdPrefixes(word.toLowerCase(Locale.ROOT)));
      List<JobStatusResponse> jobs = list(request);
      for (String word : some) {
        String prefix = word.toLowerCase(Locale.ROOT);
        found.put(word, only(word, jobs, job -> job.getId().startsWith(prefix)));
      }
    }
    return found;
  }

  private Map<String, Found> byName(List<String> words) throws StatusException {
    Map<String, Found> found = new LinkedHashMap<>();
    for (List<String> some : portions(words)) {
      ListJobsRequest.Builder request =
          ListJobsRequest.newBuilder().addStatuses("running").addStatuses("stopping");
      some.forEach(word -> request.addNames(name(word)));
      List<JobStatusResponse> jobs = list(request);
      for (String word : some) {
        Found one = only(word, jobs, job -> job.getSpec().getName().equals(name(word)));
        found.put(word, one.equals(none(word)) ? newest(word) : one);
      }
    }
    return found;
  }

  private Found newest(String word) throws StatusException {
    ListJobsRequest request =
        ListJobsRequest.newBuilder().addNames(name(word)).setPageSize(1).build();
    List<JobStatusResponse> jobs = connection.calls().list(request).getJobsList();
    return jobs.isEmpty() ? noneOfName(word) : Found.Job.of(word, jobs.getFirst());
  }

  /** With what may have been meant, of the names that the newest jobs have. */
  private Found.Refused noneOfName(String word) throws StatusException {
    List<String> names =
        connection.calls().list(ListJobsRequest.getDefaultInstance()).getJobsList().stream()
            .map(job -> job.getSpec().getName())
            .filter(name -> !name.isEmpty())
            .map(Statuses::typed)
            .toList();
    return refused(word, REFUSED, "no such job" + Nearest.hint(name(word), names));
  }

  private static String name(String word) {
    return word.substring(NAME.length());
  }

  private static Found only(
      String word, List<JobStatusResponse> jobs, Predicate<JobStatusResponse> meant) {
    List<JobStatusResponse> candidates = jobs.stream().filter(meant).toList();
    if (candidates.isEmpty()) {
      return none(word);
    }
    if (candidates.size() == 1) {
      return Found.Job.of(word, candidates.getFirst());
    }
    String listed =
        candidates.stream()
            .limit(SHOWN_CANDIDATES)
            .map(job -> job.getId() + " (" + Statuses.nameAndStatus(job) + ")")
            .collect(Collectors.joining(", "));
    int more = candidates.size() - SHOWN_CANDIDATES;
    return refused(
        word,
        REFUSED,
        "ambiguous: it means " + listed + (more > 0 ? ", and " + more + " more" : ""));
  }

  private static List<List<String>> portions(List<String> words) {
    List<List<String>> portions = new ArrayList<>();
    for (int i = 0; i < words.size(); i += MAX_AT_ONCE) {
      portions.add(words.subList(i, Math.min(i + MAX_AT_ONCE, words.size())));
    }
    return portions;
  }

  private List<JobStatusResponse> list(ListJobsRequest.Builder request) throws StatusException {
    List<JobStatusResponse> jobs = new ArrayList<>();
    do {
      ListJobsResponse page = connection.calls().list(request.build());
      jobs.addAll(page.getJobsList());
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return jobs;
  }

  /** Reads words from a text, one a line. */
  static List<String> lines(String text) {
    return text.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
  }

  /** Says that there is nothing to find. */
  static UsageException nothingNamed() {
    return new UsageException("name a job: its id, the beginning of it, name:NAME or @last");
  }
}
