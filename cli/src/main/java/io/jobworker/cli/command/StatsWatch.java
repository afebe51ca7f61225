package io.jobworker.cli.command;

import com.google.protobuf.util.Timestamps;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.render.StatsTable.Figures;
import io.jobworker.cli.render.Statuses;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What some jobs use, kept up to date by a {@code Stats} stream for each until all have ended. The
 * streams' figures do not tell a job's status; that is as it was when its stream was opened, and as
 * it is once the stream has ended.
 *
 * <p>When the connection breaks, {@link #follow} fails; called again on another one, it goes on.
 */
final class StatsWatch {
  private static final int MAX_AT_ONCE = 100; // as the server takes them

  /** By id, in the order in which they were added. Guarded by itself. */
  private final Map<String, Figures> jobs = new LinkedHashMap<>();

  private final AtomicLong received = new AtomicLong();

  /** What to do when it is time to show what the jobs use. */
  @FunctionalInterface
  interface Frame {
    void show() throws IOException;
  }

  /** Adds a job, or what is known of it now. */
  void put(JobStatusResponse job) {
    synchronized (jobs) {
      jobs.merge(job.getId(), new Figures(job, Optional.empty()), StatsWatch::after);
    }
  }

  /** What was said at the same time is no step, whichever call it came by. */
  private static Figures after(Figures known, Figures fresh) {
    if (Statuses.isFinal(known.now())) {
      return known; // an answer that was given before may come after
    }
    boolean later =
        Timestamps.compare(known.now().getUsage().getTime(), fresh.now().getUsage().getTime()) < 0;
    return new Figures(fresh.now(), later ? Optional.of(known.now()) : known.before());
  }

  /** What is known of all jobs. */
  List<JobStatusResponse> jobs() {
    return figures().stream().map(Figures::now).toList();
  }

  /** The same, with what was known before. */
  List<Figures> figures() {
    synchronized (jobs) {
      return List.copyOf(jobs.values());
    }
  }

  /** Adds all jobs that run. */
  void findRunning(Connection connection) throws StatusException {
    list(connection, ListJobsRequest.newBuilder().addStatuses("running").addStatuses("stopping"));
  }

  /** Asks, in one call for many, what the streams do not tell: status and output. */
  void refresh(Connection connection) throws StatusException {
    List<String> open =
        jobs().stream()
            .filter(job -> !Statuses.isFinal(job))
            .map(JobStatusResponse::getId)
            .toList();
    for (int i = 0; i < open.size(); i += MAX_AT_ONCE) {
      list(
          connection,
          ListJobsRequest.newBuilder()
              .addAllIdPrefixes(open.subList(i, Math.min(i + MAX_AT_ONCE, open.size()))));
    }
  }

  private void list(Connection connection, ListJobsRequest.Builder request) throws StatusException {
    do {
      ListJobsResponse page = connection.calls().list(request.build());
      page.getJobsList().forEach(this::put);
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
  }

  boolean isEmpty() {
    synchronized (jobs) {
      return jobs.isEmpty();
    }
  }

  /** Grows with each figure that comes. */
  long received() {
    return received.get();
  }

  /**
   * Shows a frame now, one at each interval, and a last one when all jobs have ended.
   *
   * @param all whether a frame shows what the streams do not tell
   */
  void follow(Connection connection, Duration interval, boolean all, Frame frame)
      throws StatusException, InterruptedException, IOException {
    ExecutorService followers = Executors.newVirtualThreadPerTaskExecutor();
    try {
      CompletionService<String> streams = new ExecutorCompletionService<>(followers);
      int open = 0;
      for (JobStatusResponse job : jobs()) {
        if (!Statuses.isFinal(job)) {
          var _ = streams.submit(() -> follow(connection, job.getId()));
          open++;
        }
      }
      frame.show();
      while (open > 0) {
        open -= awaitEnds(streams, open, interval);
        if (all) {
          refresh(connection);
        }
        frame.show();
      }
    } finally {
      followers.shutdownNow(); // nobody waits for them: whoever closes the connection ends them
    }
  }

  /** Waits for {@code time}, or until all streams have ended; answers how many did. */
  private static int awaitEnds(CompletionService<String> streams, int open, Duration time)
      throws StatusException, InterruptedException {
    long until = System.nanoTime() + time.toNanos();
    int ended = 0;
    while (ended < open) {
      Future<String> one = streams.poll(until - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (one == null) {
        break;
      }
      requireGood(one);
      ended++;
    }
    return ended;
  }

  private static void requireGood(Future<String> ended)
      throws StatusException, InterruptedException {
    try {
      var _ = ended.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof StatusException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private String follow(Connection connection, String id)
      throws StatusException, InterruptedException {
    JobRequest request = JobRequest.newBuilder().setId(id).build();
    BlockingClientCall<?, JobStats> stream = connection.calls().stats(request);
    for (JobStats usage; (usage = stream.read()) != null; ) {
      received.incrementAndGet();
      update(id, usage);
    }
    put(connection.calls().status(request));
    return id;
  }

  private void update(String id, JobStats usage) {
    synchronized (jobs) {
      jobs.computeIfPresent(
          id,
          (_, known) ->
              after(
                  known,
                  new Figures(known.now().toBuilder().setUsage(usage).build(), Optional.empty())));
    }
  }
}
