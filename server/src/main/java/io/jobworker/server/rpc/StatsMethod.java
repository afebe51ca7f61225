package io.jobworker.server.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.StatsOptions;
import io.jobworker.core.JobException;
import io.jobworker.core.JobId;
import io.jobworker.core.JobStatus;
import io.jobworker.core.Jobs;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * {@code Stats}: what a job uses, at an interval until it ends, with the final figures last. A
 * client that does not keep up misses figures in between; nothing is queued for it.
 */
final class StatsMethod {
  private static final Duration DEFAULT_INTERVAL = Duration.ofSeconds(1);
  private static final Duration MIN_INTERVAL = Duration.ofMillis(100);
  private static final Duration MAX_INTERVAL = Duration.ofHours(1);

  private final Jobs jobs;
  private final ScheduledExecutorService timer;

  StatsMethod(Jobs jobs, ScheduledExecutorService timer) {
    this.jobs = jobs;
    this.timer = timer;
  }

  void handle(JobRequest request, StreamObserver<JobStats> out) {
    try {
      JobId id = Wire.id(request.getId());
      Duration interval = interval(request.getStats());
      if (request.getStats().getOnce()) {
        out.onNext(stats(id));
        out.onCompleted();
        return;
      }
      new Ticker(id, (ServerCallStreamObserver<JobStats>) out).start(interval);
    } catch (RuntimeException e) {
      out.onError(Errors.toStatus(e, "Stats"));
    }
  }

  static Duration interval(StatsOptions options) {
    if (!options.hasInterval()) {
      return DEFAULT_INTERVAL;
    }
    Duration interval = Wire.duration("stats.interval", options.getInterval());
    if (interval.compareTo(MIN_INTERVAL) < 0 || interval.compareTo(MAX_INTERVAL) > 0) {
      throw new JobException.InvalidSpec("stats.interval", "from 100 milliseconds to 1 hour");
    }
    return interval;
  }

  private JobStats stats(JobId id) {
    JobStatus job = jobs.status(id);
    return Wire.usage(
        jobs.usage(job), job.end().map(end -> end.at()).orElseGet(Clock.systemUTC()::instant));
  }

  /** One stream. Ticks come one at a time, from the timer's thread. */
  private final class Ticker {
    private final JobId id;
    private final ServerCallStreamObserver<JobStats> out;
    private volatile @Nullable ScheduledFuture<?> ticks;

    private Ticker(JobId id, ServerCallStreamObserver<JobStats> out) {
      this.id = id;
      this.out = out;
    }

    private void start(Duration interval) {
      out.setOnCancelHandler(this::stop);
      ticks = timer.scheduleAtFixedRate(this::tick, 0, interval.toMillis(), TimeUnit.MILLISECONDS);
      if (out.isCancelled()) {
        stop();
      }
    }

    private void tick() {
      try {
        boolean ended = jobs.status(id).state().isFinal();
        if (out.isReady() || ended) {
          out.onNext(stats(id));
        }
        if (ended) {
          stop();
          out.onCompleted();
        }
      } catch (RuntimeException e) {
        stop();
        out.onError(Errors.toStatus(e, "Stats"));
      }
    }

    private void stop() {
      ScheduledFuture<?> running = ticks;
      if (running != null) {
        running.cancel(false);
      }
    }
  }
}
