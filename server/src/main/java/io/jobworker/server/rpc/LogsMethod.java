package io.jobworker.server.rpc;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.core.Job;
import io.jobworker.core.job.JobId;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.JobOutput;
import io.jobworker.core.output.ReadResult;
import io.jobworker.server.access.Caller;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.Errors;
import io.jobworker.server.gate.InvalidField;
import io.jobworker.server.gate.SeedName;
import io.jobworker.server.transport.StreamExecutor;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * {@code Logs}: a job's output from where the caller wants it, and on until the job ends.
 *
 * <p>Event-driven: a stream is moved on when there is more output, or when its client has taken
 * what was sent, and holds no thread meanwhile. A client that takes nothing has at most one
 * transport window and one message in memory, and for no longer than the stall limit.
 */
public final class LogsMethod {
  /** Once a client has taken so many messages of a size, the next may be twice as large. */
  private static final int MESSAGES_BEFORE_LARGER = 4;

  private static final String COMPLETE = "complete";

  private static final Logger LOG = LoggerFactory.getLogger(LogsMethod.class);
  private static final int FIRST_MESSAGE_BYTES = 32 << 10;

  /** Where those who do not take what is sent to them hold all that they may together. */
  private static final int SMALL_MESSAGE_BYTES = 4 << 10;

  /** So much more may be in a message, to end between two characters. */
  private static final int REST_OF_CHARACTER = 3;

  private final Audit audit;
  private final Settings settings;
  private final ScheduledExecutorService timer;

  /** What is being sent; a message is encoded before the call that sends it returns. */
  private final ThreadLocal<byte[]> buffers;

  /**
   * How streams are to be.
   *
   * @param maxMessageBytes the largest message
   * @param stallLimit how long a client may take nothing of what there is for it; zero: for ever
   * @param untakenBytes how much all that take nothing now may hold together, but for messages of
   *     the smallest size
   */
  public record Settings(int maxMessageBytes, Duration stallLimit, long untakenBytes) {}

  /** What was sent to those that take nothing now. */
  private final AtomicLong untaken = new AtomicLong();

  LogsMethod(Audit audit, Settings settings, ScheduledExecutorService timer) {
    this.audit = audit;
    this.settings = settings;
    this.timer = timer;
    this.buffers = ThreadLocal.withInitial(() -> new byte[settings.maxMessageBytes()]);
  }

  /** Opens the stream, which may block, and lets it go on by itself. */
  void handle(JobRequest request, StreamObserver<JobLogsResponse> out) {
    try {
      Job job = CurrentCall.job();
      Pump pump = open(job, request.getLogs(), (ServerCallStreamObserver<JobLogsResponse>) out);
      audit.logsOpened(pump.caller, job.id());
      pump.start();
    } catch (IOException | RuntimeException e) {
      out.onError(Errors.toStatus(e, "Logs"));
    }
  }

  private Pump open(Job job, LogOptions options, ServerCallStreamObserver<JobLogsResponse> out)
      throws IOException {
    JobOutput output = job.output();
    long until = options.getNoFollow() ? output.end() : Long.MAX_VALUE;
    Cursor cursor = output.cursor(firstOffset(output, options), Wire.stream(options.getStream()));
    Optional<LogText> text =
        SeedName.isCalled() ? Optional.of(new LogText(cursor.offset() == 0)) : Optional.empty();
    return new Pump(
        job.id(), cursor, until, text, out, CurrentCall.caller(), StreamExecutor.current());
  }

  static long firstOffset(JobOutput output, LogOptions options) throws IOException {
    int positions =
        (options.hasOffset() ? 1 : 0)
            + (options.hasTailLines() ? 1 : 0)
            + (options.hasSince() ? 1 : 0);
    if (positions > 1) {
      throw new InvalidField("logs", "give one of offset, tail_lines and since");
    }
    if (options.hasOffset()) {
      if (options.getOffset() < 0) {
        throw new InvalidField("logs.offset", "must not be negative");
      }
      if (options.getOffset() > output.end()) {
        throw new InvalidField(
            "logs.offset", "beyond the end of the output, which is " + output.end());
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
    return 0; // what is not kept any more of it is told as dropped
  }

  /** One stream. Everything but {@link #signal} and {@link #cancel} runs under the work counter. */
  private final class Pump {
    private final JobId id;
    private final Cursor cursor;
    private final long until;
    private final Optional<LogText> text; // for a client that takes nothing else
    private final ServerCallStreamObserver<JobLogsResponse> out;
    private final Caller caller;
    private final StreamExecutor executor;

    /** How many signals have come since the last look; whoever makes it 1 does the looking. */
    private final AtomicInteger work = new AtomicInteger();

    private volatile boolean cancelled;
    private boolean closed;
    private boolean loading; // the cursor is not ours for now
    private long messages;
    private int lastMessageBytes;
    private int untakenBytes; // of it

    /** At most one is under way, from when the client first did not take what there was. */
    private @Nullable ScheduledFuture<?> stallCheck;

    private long messagesBefore; // when it was set up
    private volatile boolean stallLimitOver;
    private long sentBytes;
    private long droppedBytes;

    private Pump(
        JobId id,
        Cursor cursor,
        long until,
        Optional<LogText> text,
        ServerCallStreamObserver<JobLogsResponse> out,
        Caller caller,
        StreamExecutor executor) {
      this.id = id;
      this.cursor = cursor;
      this.until = until;
      this.text = text;
      this.out = out;
      this.caller = caller;
      this.executor = executor;
    }

    private void start() {
      out.setOnCancelHandler(this::cancel);
      out.setOnReadyHandler(this::signal);
      out.setOnCloseHandler(this::taken);
      executor.opened();
      executor.onLoop(this::signal);
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
      if (closed && cancelled) {
        taken(); // nobody takes any more what a complete stream still had for its client
      }
      if (closed || loading) {
        return;
      }
      boolean limitOver = stallLimitOver;
      if (limitOver) {
        stallLimitOver = false;
        stallCheck = null;
      }
      try {
        if (cancelled || out.isReady()) {
          taken();
        }
        while (!cancelled && out.isReady()) {
          if (cursor.offset() >= until) {
            complete();
            return;
          }
          int max = (int) Math.min(messageBytes(), until - cursor.offset());
          if (!cursor.isInMemory(max)) {
            load(max);
            return;
          }
          switch (cursor.read(buffers.get(), max)) {
            case ReadResult.Chunk chunk when chunk.offset() >= until -> {
              complete(); // a cursor for one stream has passed over the rest
              return;
            }
            case ReadResult.Chunk chunk -> send(chunk);
            case ReadResult.Dropped dropped -> send(dropped);
            case ReadResult.CaughtUp _ -> {
              cursor.await(() -> executor.onLoop(this::signal));
              return;
            }
            case ReadResult.End _ -> {
              complete();
              return;
            }
          }
        }
        if (cancelled) {
          close("cancelled");
        } else {
          untaken();
          stalls(limitOver);
        }
      } catch (IOException | RuntimeException e) {
        close("failed");
        out.onError(Errors.toStatus(e, "Logs"));
      }
    }

    /** Fetches what comes next from the disk, which the event loop must not wait for. */
    private void load(int bytes) {
      loading = true;
      executor.blocking(() -> {
        try {
          cursor.load(bytes);
        } catch (IOException | RuntimeException e) {
          LOG.atWarn()
              .addKeyValue("job", id)
              .setCause(e)
              .log("logs.load_failed"); // as read will say
        } finally {
          executor.onLoop(() -> {
            loading = false;
            signal();
          });
        }
      });
    }

    private void untaken() {
      if (untakenBytes == 0) {
        untakenBytes = lastMessageBytes;
        untaken.addAndGet(untakenBytes);
      }
    }

    private void taken() {
      untaken.addAndGet(-untakenBytes);
      untakenBytes = 0;
    }

    /**
     * What a client that has stopped taking holds in memory is one message beyond its window: so
     * they start small, and grow with what it has taken.
     */
    private int messageBytes() {
      int largest =
          text.isPresent()
              ? settings.maxMessageBytes() / LogText.GROWTH
              : settings.maxMessageBytes() - REST_OF_CHARACTER;
      if (untaken.get() > settings.untakenBytes()) {
        return Math.min(SMALL_MESSAGE_BYTES, largest);
      }
      int first = Math.min(FIRST_MESSAGE_BYTES, largest);
      return Math.clamp(sentBytes / MESSAGES_BEFORE_LARGER, first, largest);
    }

    /**
     * The client takes nothing now; if it still does not when the limit is over, that is the end.
     */
    private void stalls(boolean limitOver) {
      if (limitOver && messages == messagesBefore) {
        close("stalled");
        out.onError(
            Status.RESOURCE_EXHAUSTED
                .withDescription(
                    "nothing was taken for %d s; go on from offset %d"
                        .formatted(settings.stallLimit().toSeconds(), cursor.offset()))
                .asRuntimeException());
      } else if (stallCheck == null && !settings.stallLimit().isZero()) {
        messagesBefore = messages;
        stallCheck =
            timer.schedule(this::stallLimitOver, settings.stallLimit().toMillis(), MILLISECONDS);
      }
    }

    private void stallLimitOver() {
      stallLimitOver = true;
      executor.onLoop(this::signal);
    }

    private void send(ReadResult.Chunk chunk) throws IOException {
      if (text.isPresent()) {
        sentBytes += chunk.bytes().remaining();
        text.get().message(chunk).ifPresent(this::send);
        return;
      }
      ReadResult.Chunk whole = cursor.toCharacterEnd(chunk, until);
      sentBytes += whole.bytes().remaining();
      send(
          JobLogsResponse.newBuilder()
              .setLog(UnsafeByteOperations.unsafeWrap(whole.bytes())) // encoded before this returns
              .setStream(Wire.stream(whole.stream()))
              .setOffset(whole.offset())
              .setTime(Wire.timestamp(whole.capturedAt()))
              .build());
    }

    private void send(ReadResult.Dropped dropped) {
      long heldBack = text.map(LogText::interrupted).orElse(0);
      send(
          JobLogsResponse.newBuilder()
              .setOffset(dropped.resumeOffset())
              .setDroppedBytes(dropped.bytes() + heldBack)
              .build());
    }

    private void send(JobLogsResponse message) {
      droppedBytes += message.getDroppedBytes();
      messages++;
      lastMessageBytes = message.getSerializedSize();
      out.onNext(message);
    }

    private void complete() {
      text.ifPresent(held -> held.ended().forEach(this::send));
      close(COMPLETE);
      out.onCompleted();
    }

    private void close(String outcome) {
      closed = true;
      if (outcome.equals(COMPLETE)) {
        untaken(); // until gRPC tells that it was
      } else {
        taken();
      }
      cursor.close();
      if (stallCheck != null) {
        stallCheck.cancel(false);
      }
      audit.logsClosed(caller, id, outcome, sentBytes, droppedBytes);
    }
  }
}
