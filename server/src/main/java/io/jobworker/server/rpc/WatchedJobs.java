package io.jobworker.server.rpc;

import io.jobworker.core.Job;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Usage;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What jobs use, read once for all who watch the same one: however many they are, its cgroup is
 * read no more often than {@link #FRESH} says. Thread-safe.
 */
final class WatchedJobs {
  /** For so long a figure is as good as a new one: half of the shortest interval. */
  static final Duration FRESH = Duration.ofMillis(50);

  private final ConcurrentMap<JobId, Watched> byId = new ConcurrentHashMap<>();

  /** What there was to tell of a job, by the state that it was in just before. */
  record Figure(JobStatus status, Usage usage) {}

  /** Begins to watch a job. Whoever does leaves it again. */
  Watched watch(Job job) {
    return byId.compute(
        job.id(), (_, there) -> (there == null ? new Watched(job) : there).withOneMore());
  }

  /** How many jobs are watched. */
  int size() {
    return byId.size();
  }

  /** One that is watched. */
  final class Watched {
    private final Job job;

    /** Over the newest figure, while it is read too: whoever waits wants no other. */
    private final ReentrantLock lock = new ReentrantLock();

    private Optional<Figure> newest = Optional.empty();
    private long readAt;

    private int watchers; // changed by the map, for one caller at a time

    private Watched(Job job) {
      this.job = job;
    }

    private Watched withOneMore() {
      watchers++;
      return this;
    }

    /**
     * How it is now, or was a moment ago.
     *
     * @throws io.jobworker.core.job.JobException if that cannot be told
     */
    Figure figure() {
      lock.lock();
      try {
        if (newest.isEmpty() || System.nanoTime() - readAt > FRESH.toNanos()) {
          JobStatus status = job.status(); // before what it uses: of an ended job that is all
          newest = Optional.of(new Figure(status, job.usage()));
          readAt = System.nanoTime();
        }
        return newest.get();
      } finally {
        lock.unlock();
      }
    }

    /** Of one watcher, once. */
    void leave() {
      byId.computeIfPresent(job.id(), (_, there) -> --there.watchers == 0 ? null : there);
    }
  }
}
