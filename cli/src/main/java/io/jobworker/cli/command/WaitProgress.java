package io.jobworker.cli.command;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;

import io.grpc.StatusException;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.render.Amounts;
import io.jobworker.cli.render.PassingLine;
import io.jobworker.cli.render.Screen;
import io.jobworker.cli.render.Statuses;
import io.jobworker.cli.render.Terminal;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Shows people on a terminal for how long a wait has lasted, and how the jobs are. */
final class WaitProgress implements AutoCloseable {
  /** How often it is to be shown, the first time when so much has passed. */
  static final Duration PACE = Duration.ofSeconds(1);

  private static final int MAX_AT_ONCE = 100; // as the server takes them
  private static final long PATIENCE_SECONDS = 5;
  private static final int STANDARD_ERROR = 2;

  static final WaitProgress NONE = new WaitProgress(Optional.empty());

  private final Optional<PassingLine> line;
  private final long startNanos = System.nanoTime();

  private WaitProgress(Optional<PassingLine> line) {
    this.line = line;
  }

  /** Where {@code err} is no terminal, or nothing is to be said, there is none. */
  static WaitProgress on(PrintWriter err, boolean quiet) {
    return new WaitProgress(
        quiet || !Terminal.isRewritable(STANDARD_ERROR)
            ? Optional.empty()
            : Optional.of(PassingLine.ofProcess(err, Screen.size().columns())));
  }

  /** Shows it; the server is asked how the jobs are, and need not answer. */
  void show(Connection connection, Collection<String> ids) {
    if (line.isEmpty()) {
      return;
    }
    String jobs = ids.size() == 1 ? "1 job" : ids.size() + " jobs";
    try {
      if (ids.size() <= MAX_AT_ONCE) {
        jobs = states(connection, ids);
      }
    } catch (StatusException e) {
      // whoever waits finds out whether that matters
    }
    Duration time = Duration.ofSeconds((System.nanoTime() - startNanos) / 1_000_000_000);
    line.get().show("waiting " + Amounts.duration(time) + ": " + jobs);
  }

  private static String states(Connection connection, Collection<String> ids)
      throws StatusException {
    List<JobStatusResponse> jobs =
        connection
            .calls()
            .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS)
            .list(ListJobsRequest.newBuilder().addAllIdPrefixes(ids).build())
            .getJobsList();
    if (jobs.size() == 1) {
      JobStatusResponse job = jobs.getFirst();
      return Statuses.shortId(job.getId()) + "  " + Statuses.nameAndStatus(job);
    }
    return jobs.stream()
        .collect(groupingBy(JobStatusResponse::getStatus, TreeMap::new, counting()))
        .entrySet()
        .stream()
        .map(count -> count.getValue() + " " + count.getKey())
        .collect(Collectors.joining(", "));
  }

  /** Makes room for what is said; the next time it is there again. */
  void remove() {
    line.ifPresent(PassingLine::remove);
  }

  @Override
  public void close() {
    line.ifPresent(PassingLine::close);
  }
}
