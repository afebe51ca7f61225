package io.jobworker.server.rpc;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.core.JobException;
import io.jobworker.core.JobId;
import io.jobworker.core.Jobs;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.output.Read;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.auth.Caller;
import java.io.IOException;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * {@code Logs}: a job's output from where the caller wants it, and on until the job ends.
 *
 * <p>Event-driven: a stream is moved on when there is more output, or when its client has taken
 * what was sent, and holds no thread meanwhile. A client that takes nothing has at most one
 * transport window and one message in memory.
 */
final class LogsMethod {
  private final Jobs jobs;
  private final Audit audit;
  private final int maxMessageBytes;
  private final Executor pumps;

  /** {@code pumps} runs what an append has woken, off the thread that captures. */
  LogsMethod(Jobs jobs, Audit audit, int maxMessageBytes, Executor pumps) {
    this.jobs = jobs;
    this.audit = audit;
    this.maxMessageBytes = maxMessageBytes;
    this.pumps = pumps;
  }

  void handle(JobRequest request, StreamObserver<JobLogsResponse> out) {
    try {
      JobId id = Wire.id(request.getId());
      Pump pump = open(id, request.getLogs(), (ServerCallStreamObserver<JobLogsResponse>) out);
      audit.logsOpened(pump.caller, id.toString());
      pump.start();
    } catch (IOException | RuntimeException e) {
      out.onError(Errors.toStatus(e, "Logs"));
    }
  }

  private Pump open(JobId id, LogOptions options, ServerCallStreamObserver<JobLogsResponse> out)
      throws IOException {
    OutputLog output = jobs.output(id);
    long until = options.getNoFollow() ? output.end() : Long.MAX_VALUE;
    Cursor cursor = output.cursor(firstOffset(output, options), Wire.stream(options.getStream()));
    return new Pump(id, cursor, until, out, Caller.current());
  }

  private static long firstOffset(OutputLog output, LogOptions options) throws IOException {
    int positions =
        (options.hasOffset() ? 1 : 0)
            + (options.hasTailLines() ? 1 : 0)
            + (options.hasSince() ? 1 : 0);
    if (positions > 1) {
      throw new JobException.InvalidSpec("logs", "give one of offset, tail_lines and since");
    }
    if (options.hasOffset()) {
      if (options.getOffset() < 0) {
        throw new JobException.InvalidSpec("logs.offset", "must not be negative");
      }
      return options.getOffset();
    }
    if (options.hasTailLines()) {
      // protobuf's uint32 beyond 2^31 is negative in Java
      int lines = options.getTailLines() < 0 ? Integer.MAX_VALUE : options.getTailLines();
      return output.offsetOfLastLines(lines, Wire.stream(options.getStream()));
    }
    if (options.hasSince()) {
      return output.offsetAt(Wire.instant("logs.since", options.getSince()));
    }
    return output.start();
  }

  /** One stream. Everything but {@link #signal} and {@link #cancel} runs under the work counter. */
  private final class Pump {
    private final JobId id;
    private final Cursor cursor;
    private final long until;
    private final ServerCallStreamObserver<JobLogsResponse> out;
    private final Caller caller;

    /** How many signals have come since the last look; whoever makes it 1 does the looking. */
    private final AtomicInteger work = new AtomicInteger();

    private volatile boolean cancelled;
    private boolean closed;
    private long sentBytes;
    private long droppedBytes;

    private Pump(
        JobId id,
        Cursor cursor,
        long until,
        ServerCallStreamObserver<JobLogsResponse> out,
        Caller caller) {
      this.id = id;
      this.cursor = cursor;
      this.until = until;
      this.out = out;
      this.caller = caller;
    }

    private void start() {
      out.setOnCancelHandler(this::cancel);
      out.setOnReadyHandler(this::signal);
      signal();
    }

    private void cancel() {
      cancelled = true;
      signal();
    }

    /** Looks for something to do, unless someone is looking already, who then looks once more. */
    private void signal() {
      if (work.getAndIncrement() != 0) {
        return;
      }
      int seen = 1;
      do {
        move();
        seen = work.addAndGet(-seen);
      } while (seen != 0);
    }

    private void move() {
      if (closed) {
        return;
      }
      try {
        while (!cancelled && out.isReady()) {
          if (cursor.offset() >= until) {
            complete();
            return;
          }
          int max = (int) Math.min(maxMessageBytes, until - cursor.offset());
          switch (cursor.read(max)) {
            case Read.Chunk chunk when chunk.offset() >= until -> {
              complete(); // a cursor for one stream has passed over the rest
              return;
            }
            case Read.Chunk chunk -> send(chunk);
            case Read.Dropped dropped -> send(dropped);
            case Read.CaughtUp _ -> {
              cursor.await(() -> pumps.execute(this::signal));
              return;
            }
            case Read.End _ -> {
              complete();
              return;
            }
          }
        }
        if (cancelled) {
          close("cancelled");
        }
      } catch (IOException | RuntimeException e) {
        close("failed");
        out.onError(Errors.toStatus(e, "Logs"));
      }
    }

    private void send(Read.Chunk chunk) {
      sentBytes += chunk.bytes().remaining();
      out.onNext(
          JobLogsResponse.newBuilder()
              .setLog(UnsafeByteOperations.unsafeWrap(chunk.bytes()))
              .setStream(Wire.stream(chunk.stream()))
              .setOffset(chunk.offset())
              .setTime(Wire.timestamp(chunk.capturedAt()))
              .build());
    }

    private void send(Read.Dropped dropped) {
      droppedBytes += dropped.bytes();
      out.onNext(
          JobLogsResponse.newBuilder()
              .setOffset(dropped.resumeOffset())
              .setDroppedBytes(dropped.bytes())
              .build());
    }

    private void complete() {
      close("complete");
      out.onCompleted();
    }

    private void close(String outcome) {
      closed = true;
      cursor.close();
      audit.logsClosed(caller, id.toString(), outcome, sentBytes, droppedBytes);
    }
  }
}
