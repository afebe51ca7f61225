package io.jobworker.server.transport;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.util.Optional;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Tells how much of a call's requests has come so far, whole or not: gRPC itself tells only of
 * whole ones. Told by the connection's event loop, for each frame.
 */
public final class InboundBytes extends ServerStreamTracer {
  private static final Context.Key<InboundBytes> KEY = Context.key("inbound-bytes");

  private @Nullable LongConsumer listener; // guarded by this
  private long untold; // guarded by this

  private final @Nullable FrameGovernor governor = FrameGovernor.current();
  private boolean closed; // guarded by this
  private boolean ended; // guarded by this

  private InboundBytes() {
    if (governor != null) {
      governor.streamOpened();
    }
  }

  /** Nothing is left of the call. May be repeated. */
  public void end() {
    boolean last;
    synchronized (this) {
      last = closed && !ended;
      ended = true;
    }
    if (last && governor != null) {
      governor.callEnded();
    }
  }

  /** One that nobody will listen to, since there is no such method, has ended by this. */
  @Override
  public void streamClosed(Status status) {
    boolean unfinished;
    synchronized (this) {
      ended |= listener == null && status.getCode() == Status.Code.UNIMPLEMENTED;
      unfinished = !ended;
      closed = true;
    }
    if (governor != null) {
      governor.streamClosed(unfinished);
    }
  }

  static final class Factory extends ServerStreamTracer.Factory {
    @Override
    public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
      return new InboundBytes();
    }
  }

  /** Those of the call that is being intercepted. */
  public static Optional<InboundBytes> current() {
    return Optional.ofNullable(KEY.get());
  }

  @Override
  public Context filterContext(Context context) {
    return context.withValue(KEY, this);
  }

  /** Has {@code told}, which must not block, hear of what has come and of what comes. */
  public void tell(LongConsumer told) {
    long before;
    synchronized (this) {
      listener = told;
      before = untold;
    }
    if (before > 0) {
      told.accept(before);
    }
  }

  @Override
  public void inboundWireSize(long bytes) {
    LongConsumer told;
    synchronized (this) {
      told = listener;
      if (told == null) {
        untold += bytes;
      }
    }
    if (told != null) {
      told.accept(bytes);
    }
  }
}
