package io.jobworker.server.transport;

import io.grpc.Context;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
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

  private final AtomicBoolean ended = new AtomicBoolean();
  private final @Nullable FrameGovernor governor = FrameGovernor.current();

  private InboundBytes() {
    if (governor != null) {
      governor.callBegan();
    }
  }

  /** Nothing is left of the call. May be repeated. */
  public void end() {
    if (governor != null && ended.compareAndSet(false, true)) {
      governor.callEnded();
    }
  }

  /** One that nobody listens to has ended now. */
  @Override
  public void streamClosed(Status status) {
    boolean unheard;
    synchronized (this) {
      unheard = listener == null;
    }
    if (unheard) {
      end();
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
