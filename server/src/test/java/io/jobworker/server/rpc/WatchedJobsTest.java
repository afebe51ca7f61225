package io.jobworker.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.Job;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Usage;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class WatchedJobsTest {
  private final JobId id = JobId.random();
  private final AtomicInteger reads = new AtomicInteger();
  private final WatchedJobs jobs = new WatchedJobs();

  /** One that can be asked for what is shown, and counts how often it is. */
  private final Job job =
      (Job)
          Proxy.newProxyInstance(
              Job.class.getClassLoader(),
              new Class<?>[] {Job.class},
              (_, method, _) ->
                  switch (method.getName()) {
                    case "id" -> id;
                    case "status" -> running();
                    case "usage" -> {
                      reads.incrementAndGet();
                      yield Usage.NONE;
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                  });

  private JobStatus running() {
    return new JobStatus(
        id,
        "alice",
        JobSpec.of("true"),
        JobState.RUNNING,
        Instant.EPOCH,
        1,
        Optional.empty(),
        0,
        0,
        "");
  }

  @Test
  void aFigureServesAllWhoWatchTheJob() throws Exception {
    long start = System.nanoTime();
    List<Thread> watchers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      watchers.add(
          Thread.startVirtualThread(() -> {
            WatchedJobs.Watched watched = jobs.watch(job);
            for (int look = 0; look < 100; look++) {
              assertThat(watched.figure().status().id()).isEqualTo(id);
            }
            watched.leave();
          }));
    }
    for (Thread watcher : watchers) {
      watcher.join();
    }
    long spans = (System.nanoTime() - start) / WatchedJobs.FRESH.toNanos();
    assertThat(reads.get()).isPositive();
    assertThat((long) reads.get()).isLessThanOrEqualTo(100 + spans); // who comes alone reads anew
  }

  @Test
  void aFigureIsReadAnewWhenItIsOld() {
    WatchedJobs.Watched watched = jobs.watch(job);
    long end = System.nanoTime() + 3 * WatchedJobs.FRESH.toNanos();
    while (System.nanoTime() < end) {
      watched.figure();
    }
    assertThat(reads.get()).isGreaterThan(1);
  }

  @Test
  void nothingIsKeptOfAJobThatNobodyWatches() {
    WatchedJobs.Watched first = jobs.watch(job);
    WatchedJobs.Watched second = jobs.watch(job);
    assertThat(second).isSameAs(first);
    first.leave();
    assertThat(jobs.size()).isEqualTo(1);
    second.leave();
    assertThat(jobs.size()).isZero();
  }
}
