package io.jobworker.server.transport;

import io.grpc.ServerCall;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * Where the events of one stream are handled: until it is open on threads that may block, for who
 * is asking must be looked up, and where to begin be found; from then on by whoever brings the
 * event, which is the event loop of its connection, where nothing may block. A stream so costs half
 * the CPU of one that changes threads for each message ({@code docs/performance.md}).
 */
public final class StreamExecutor implements Executor {
  private static final ScopedValue<StreamExecutor> CURRENT = ScopedValue.newInstance();

  private final Executor blocking;
  private final Executor loop;
  private volatile boolean open;

  private StreamExecutor(Executor blocking, Executor loop) {
    this.blocking = blocking;
    this.loop = loop;
  }

  /** For a call that has just begun. */
  public static StreamExecutor of(ServerCall<?, ?> call, Executor blocking) {
    @Nullable Executor loop = Connections.loopOf(call.getAttributes());
    return new StreamExecutor(blocking, loop == null ? blocking : loop);
  }

  /** That of the stream whose event is being handled, as long as it is not open. */
  public static StreamExecutor current() {
    return CURRENT.get();
  }

  @Override
  public void execute(Runnable task) {
    if (open) {
      task.run();
    } else {
      blocking.execute(() -> ScopedValue.where(CURRENT, this).run(task));
    }
  }

  /** From now on nothing that handles an event of this stream blocks. */
  public void opened() {
    open = true;
  }

  /** Runs {@code task} on the connection's event loop; not at all if that has ended. */
  public void onLoop(Runnable task) {
    try {
      loop.execute(task);
    } catch (RejectedExecutionException e) {
      // the server is going, and its streams with it
    }
  }

  /** Runs {@code task} where it may block. */
  public void blocking(Runnable task) {
    try {
      blocking.execute(task);
    } catch (RejectedExecutionException e) {
      // as above
    }
  }
}
