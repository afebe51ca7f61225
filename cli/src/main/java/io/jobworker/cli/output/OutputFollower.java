package io.jobworker.cli.output;

import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.BlockingClientCall;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingV2Stub;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.render.LogSink;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/**
 * Brings a job's output to a sink, each byte once, over as many connections as it takes. For one
 * thread.
 */
public final class OutputFollower {
  private final JobRequest request;
  private final LogSink sink;
  private final Optional<Instant> until;
  private OptionalLong next = OptionalLong.empty(); // the offset after what the sink has taken

  private OutputFollower(JobRequest request, LogSink sink, Optional<Instant> until) {
    this.request = request;
    this.sink = sink;
    this.until = until;
  }

  /** {@code options} say where to begin, and which stream. */
  public static OutputFollower of(String id, LogOptions options, LogSink sink) {
    return new OutputFollower(request(id, options), sink, Optional.empty());
  }

  /** The same, which waits for more output up to this moment only. */
  public static OutputFollower until(Instant moment, String id, LogOptions options, LogSink sink) {
    return new OutputFollower(request(id, options), sink, Optional.of(moment));
  }

  private static JobRequest request(String id, LogOptions options) {
    return JobRequest.newBuilder().setId(id).setLogs(options).build();
  }

  /** The offset at which another connection would go on; negative before the first message. */
  public long next() {
    return next.orElse(-1);
  }

  /**
   * Returns at the end of the output, or when the sink takes no more: whether it was the end.
   *
   * @throws StatusException also when the connection broke; calling again goes on
   */
  public boolean copy(Connection connection)
      throws StatusException, InterruptedException, IOException {
    while (true) {
      long before = next();
      try {
        return copyStream(stub(connection), here());
      } catch (StatusException e) {
        if (until.isPresent() && e.getStatus().getCode() == Status.Code.DEADLINE_EXCEEDED) {
          return copyStream(connection.calls(), withoutWaiting(here()));
        }
        // Whoever takes nothing for long loses the stream, but not the place.
        boolean stalled = e.getStatus().getCode() == Status.Code.RESOURCE_EXHAUSTED;
        if (!stalled || next() == before) {
          throw e;
        }
      }
    }
  }

  private JobWorkerBlockingV2Stub stub(Connection connection) {
    JobWorkerBlockingV2Stub calls = connection.calls();
    return until
        .map(moment -> {
          long left = Math.max(0, Duration.between(Instant.now(), moment).toMillis());
          return calls.withDeadlineAfter(left, TimeUnit.MILLISECONDS);
        })
        .orElse(calls);
  }

  private boolean copyStream(JobWorkerBlockingV2Stub calls, JobRequest request)
      throws StatusException, InterruptedException, IOException {
    BlockingClientCall<?, JobLogsResponse> stream = calls.logs(request);
    try {
      for (JobLogsResponse message; (message = stream.read()) != null; ) {
        if (!sink.accept(message)) {
          return false;
        }
        next = OptionalLong.of(message.getOffset() + message.getLog().size());
      }
      return true;
    } finally {
      stream.cancel("not wanted any more", null);
    }
  }

  /** The moment is over, and what came until then may not have been sent in time. */
  private static JobRequest withoutWaiting(JobRequest request) {
    return request.toBuilder().setLogs(request.getLogs().toBuilder().setNoFollow(true)).build();
  }

  private JobRequest here() {
    if (next.isEmpty()) {
      return request;
    }
    LogOptions.Builder rest = request.getLogs().toBuilder().clearTailLines().clearSince();
    return request.toBuilder().setLogs(rest.setOffset(next.getAsLong())).build();
  }
}
