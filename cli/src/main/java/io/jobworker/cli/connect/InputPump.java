package io.jobworker.cli.connect;

import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import io.jobworker.api.v1.InputRequest;
import io.jobworker.api.v1.InputResponse;
import io.jobworker.api.v1.InputState;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Moves what is read from a stream, as it comes, into the stdin of a job that was started with
 * {@code stdin_stream}. What the job has not taken is kept, {@value #CAPACITY_BYTES} bytes at most,
 * so that after a lost connection it goes on at the byte where it was: nothing is sent twice to the
 * job, and nothing left out. The stream's end is the end of the job's stdin. For one use.
 */
public final class InputPump {
  private static final int CAPACITY_BYTES = 512 << 10;
  private static final int MESSAGE_BYTES = 32 << 10;

  /** Why nothing more is sent. */
  public enum Outcome {
    /** The job has been given everything, and its end of file. */
    ENDED,
    /** The job has closed its stdin. */
    CLOSED,
    /** The job has ended. */
    JOB_ENDED
  }

  private final InputStream source;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  // Guarded by the lock.
  private final byte[] kept = new byte[CAPACITY_BYTES]; // the byte of offset N is at N % CAPACITY
  private long taken; // all before it is the job's
  private long read; // all before it was read
  private boolean sourceEnded;
  private @Nullable IOException sourceFailed;

  public InputPump(InputStream source) {
    this.source = source;
  }

  /**
   * Returns when nothing more is to be sent.
   *
   * @param patience how long a lost connection is tried again
   * @param onBroken is told of each connection that broke, before it is replaced
   * @throws IOException if the stream cannot be read: what was read before is the job's, and its
   *     stdin stays open
   */
  public Outcome run(Connector server, String job, Duration patience, Runnable onBroken)
      throws StatusException, InterruptedException, IOException {
    Thread reader = Thread.ofPlatform().name("stdin").daemon().unstarted(this::read);
    reader.start();
    return new Retry(server, patience, onBroken)
        .run(connection -> new Call(connection, job).send(), this::taken);
  }

  private long taken() {
    lock.lock();
    try {
      return taken;
    } finally {
      lock.unlock();
    }
  }

  /** Reads ahead as far as there is room. In a thread of its own: nothing else ends a read. */
  private void read() {
    try {
      while (true) {
        int at;
        int room;
        lock.lockInterruptibly();
        try {
          while (read - taken == CAPACITY_BYTES) {
            changed.await();
          }
          at = (int) (read % CAPACITY_BYTES);
          room = Math.min(CAPACITY_BYTES - at, CAPACITY_BYTES - (int) (read - taken));
        } finally {
          lock.unlock();
        }
        int n =
            source.read(kept, at, Math.min(room, MESSAGE_BYTES)); // a place that nobody reads yet
        wasRead(n, null);
        if (n < 0) {
          return;
        }
      }
    } catch (IOException e) {
      wasRead(0, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void wasRead(int bytes, @Nullable IOException failure) {
    lock.lock();
    try {
      read += Math.max(0, bytes);
      sourceEnded |= bytes < 0;
      sourceFailed = failure;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** One call, of those that a broken connection may take. */
  private final class Call implements ClientResponseObserver<InputRequest, InputResponse> {
    private final Connection connection;
    private final String job;

    // Guarded by the lock.
    private boolean answered;
    private long limit;
    private InputState state = InputState.INPUT_STATE_OPEN;
    private @Nullable Throwable failure;
    private boolean over;

    private Call(Connection connection, String job) {
      this.connection = connection;
      this.job = job;
    }

    private Outcome send() throws StatusException, InterruptedException, IOException {
      lock.lockInterruptibly();
      try {
        var out = (ClientCallStreamObserver<InputRequest>) connection.streams().input(this);
        out.onNext(InputRequest.newBuilder().setId(job).setOffset(taken).build());
        long next = -1;
        boolean endSent = false;
        while (!over) {
          if (answered && next < 0) {
            next = taken;
          }
          long end = Math.min(limit, read);
          if (next >= 0 && next < end && out.isReady()) {
            int at = (int) (next % CAPACITY_BYTES);
            int length = (int) Math.min(end - next, Math.min(MESSAGE_BYTES, CAPACITY_BYTES - at));
            out.onNext(message(next, at, length));
            next += length;
          } else if (next == read && sourceFailed != null) {
            out.cancel("the stream cannot be read", null);
            throw sourceFailed;
          } else if (next == read && sourceEnded && !endSent) {
            out.onNext(InputRequest.newBuilder().setOffset(next).setEnd(true).build());
            endSent = true;
          } else {
            changed.await();
          }
        }
        return outcome();
      } finally {
        lock.unlock();
      }
    }

    /** Its bytes are kept until the job has taken them, which is after they were encoded. */
    private InputRequest message(long offset, int at, int length) {
      return InputRequest.newBuilder()
          .setOffset(offset)
          .setData(UnsafeByteOperations.unsafeWrap(kept, at, length))
          .build();
    }

    private Outcome outcome() throws StatusException {
      return switch (state) {
        case INPUT_STATE_ENDED -> Outcome.ENDED;
        case INPUT_STATE_CLOSED -> Outcome.CLOSED;
        case INPUT_STATE_JOB_ENDED -> Outcome.JOB_ENDED;
        case INPUT_STATE_OPEN, INPUT_STATE_UNSPECIFIED, UNRECOGNIZED -> throw asStatus();
      };
    }

    private StatusException asStatus() {
      Throwable why = failure;
      return why == null
          ? Status.UNAVAILABLE.withDescription("the call has ended early").asException()
          : Status.fromThrowable(why).asException(Status.trailersFromThrowable(why));
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<InputRequest> stream) {
      stream.setOnReadyHandler(this::signal);
    }

    private void signal() {
      lock.lock();
      try {
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void onNext(InputResponse response) {
      lock.lock();
      try {
        taken = Math.max(taken, Math.min(response.getTaken(), read));
        limit = response.getLimit();
        state = response.getState();
        answered = true;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }

    @Override
    public void onError(Throwable t) {
      end(t);
    }

    @Override
    public void onCompleted() {
      end(null);
    }

    private void end(@Nullable Throwable why) {
      lock.lock();
      try {
        failure = why;
        over = true;
        changed.signalAll();
      } finally {
        lock.unlock();
      }
    }
  }
}
