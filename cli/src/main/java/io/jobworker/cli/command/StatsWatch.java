package io.jobworker.cli.command;

import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.connect.Connection;
import java.io.IOException;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
  private static final Set<String> PASSING = Set.of("running", "stopping");

  /** By id, in the order in which they were added. Guarded by itself. */
  private final Map<String, JobStatusResponse> jobs = new LinkedHashMap<>();

  private final AtomicLong received = new AtomicLong();

  /** What to do with what the jobs use now. */
  @FunctionalInterface
  interface Frame {
    void show(List<JobStatusResponse> jobs) throws IOException;
  }

  /** Adds a job, or what is known of it now. */
  void put(JobStatusResponse job) {
    synchronized (jobs) {
      jobs.put(job.getId(), job);
    }
  }

  /** What is known of all jobs. */
  List<JobStatusResponse> jobs() {
    synchronized (jobs) {
      return List.copyOf(jobs.values());
    }
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

  /** Shows a frame now, one at each interval, and a last one when all jobs have ended. */
  void follow(Connection connection, Duration interval, Frame frame)
      throws StatusException, InterruptedException, IOException {
    ExecutorService followers = Executors.newVirtualThreadPerTaskExecutor();
    try {
      CompletionService<String> streams = new ExecutorCompletionService<>(followers);
      int open = 0;
      for (JobStatusResponse job : jobs()) {
        if (PASSING.contains(job.getStatus())) {
          var _ = streams.submit(() -> follow(connection, job.getId()));
          open++;
        }
      }
      frame.show(jobs());
      while (open > 0) {
        open -= awaitEnds(streams, open, interval);
        frame.show(jobs());
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
      jobs.computeIfPresent(id, (_, job) -> job.toBuilder().setUsage(usage).build());
    }
  }
}
