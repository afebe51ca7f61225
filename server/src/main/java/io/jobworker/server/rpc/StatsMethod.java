package io.jobworker.server.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.StatsOptions;
import io.jobworker.core.Job;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.Usage;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.Errors;
import io.jobworker.server.gate.InvalidField;
import io.jobworker.server.timing.Ticker;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * {@code Stats}: what a job uses, at an interval until it ends, with the final figures last. A
 * client that does not keep up misses figures in between; nothing is queued for it.
 */
final class StatsMethod {
  private static final Duration DEFAULT_INTERVAL = Duration.ofSeconds(1);
  private static final Duration MIN_INTERVAL = Duration.ofMillis(100);
  private static final Duration MAX_INTERVAL = Duration.ofHours(1);

  private final Executor workers;
  private final ScheduledExecutorService timer;
  private final WatchedJobs watched = new WatchedJobs();

  /** {@code workers} may block; {@code timer} only ticks. */
  StatsMethod(Executor workers, ScheduledExecutorService timer) {
    this.workers = workers;
    this.timer = timer;
  }

  void handle(JobRequest request, StreamObserver<JobStats> out) {
    try {
      Job job = CurrentCall.job();
      Duration interval = interval(request.getStats());
      if (request.getStats().getOnce()) {
        out.onNext(
            stats(new WatchedJobs.Figure(job.status(), job.usage()))
                .orElseThrow(
                    () -> new JobException.Unavailable("what the job uses cannot be told now")));
        out.onCompleted();
        return;
      }
      new Figures(job, (ServerCallStreamObserver<JobStats>) out).start(interval);
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
      throw new InvalidField("stats.interval", "from 100 milliseconds to 1 hour");
    }
    return interval;
  }

  /** Empty if they cannot be told now. */
  private static Optional<JobStats> stats(WatchedJobs.Figure figure) {
    return Optional.of(figure.usage())
        .filter(Usage::isKnown)
        .map(usage ->
            Wire.usage(
                usage,
                figure.status().end().map(JobEnd::at).orElseGet(Clock.systemUTC()::instant)));
  }

  /** One stream. */
  private final class Figures {
    private final WatchedJobs.Watched job;
    private final ServerCallStreamObserver<JobStats> out;
    private final Ticker ticker = new Ticker("stats", workers, this::send);
    private final AtomicBoolean left = new AtomicBoolean();

    private Figures(Job job, ServerCallStreamObserver<JobStats> out) {
      this.job = watched.watch(job);
      this.out = out;
    }

    private void start(Duration interval) {
      out.setOnCancelHandler(this::stop);
      ticker.start(timer, interval);
    }

    private void stop() {
      ticker.stop();
      if (left.compareAndSet(false, true)) {
        job.leave();
      }
    }

    /** Reads the job's cgroup, and of an ended job the database: not for the timer's thread. */
    private void send() {
      try {
        WatchedJobs.Figure figure = job.figure();
        boolean ended = figure.status().state().isFinal();
        if (out.isReady() || ended) {
          stats(figure).ifPresent(out::onNext);
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
  }
}
