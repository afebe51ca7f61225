package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Before all other handlers of a connection: sees to it that its handshake, that of TLS and the
 * beginning of HTTP/2, waits if its source's come too quickly, and is given up in time; and
 * remembers why it failed, if it did. Puts the {@link FrameGovernor} in its place, from the first
 * byte on.
 */
final class HandshakeWatch extends ChannelInboundHandlerAdapter {
  private static final long PACE_MILLIS = 50;

  /** RFC 8446, 5.1: more than a record, which a ClientHello fits in, and one read more. */
  private static final int MAX_HELD_BYTES = 32 << 10;

  private final Handshakes handshakes;
  private final Paces paces;
  private final Source source;
  private final Duration patience;
  private volatile @Nullable SslHandler tls;
  private volatile boolean timedOut;

  // By the connection's loop only.
  private final Queue<ByteBuf> held = new ArrayDeque<>();
  private int heldBytes;
  private boolean begun;
  private @Nullable Future<?> givingUp;

  HandshakeWatch(Handshakes handshakes, Paces paces, Source source, Duration patience) {
    this.handshakes = handshakes;
    this.paces = paces;
    this.source = source;
    this.patience = patience;
  }

  /** The handlers are in place by now, and TLS begins with what follows. */
  @Override
  public void channelActive(ChannelHandlerContext context) throws Exception {
    ChannelHandlerContext security = context.pipeline().context(SslHandler.class);
    if (security != null) {
      tls = (SslHandler) security.handler();
      context.pipeline().addAfter(security.name(), null, new FrameGovernor());
    }
    givingUp =
        context
            .executor()
            .schedule(() -> timeOut(context), patience.toMillis(), TimeUnit.MILLISECONDS);
    super.channelActive(context);
  }

  private void timeOut(ChannelHandlerContext context) {
    if (handshakes.isUnderWay(context.channel())) {
      timedOut = true;
      Connection.closeAtOnce(context.channel());
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (begun) {
      super.channelRead(context, message);
      return;
    }
    ByteBuf bytes = (ByteBuf) message; // what comes from a socket
    boolean first = held.isEmpty();
    held.add(bytes);
    heldBytes += bytes.readableBytes();
    if (heldBytes > MAX_HELD_BYTES) {
      Connection.closeAtOnce(context.channel());
    } else if (first) {
      handshakes.speaks(context.channel());
      begin(context);
    }
  }

  /** TLS would ask for more. */
  @Override
  public void channelReadComplete(ChannelHandlerContext context) throws Exception {
    if (begun) {
      super.channelReadComplete(context);
    }
  }

  private void begin(ChannelHandlerContext context) {
    if (!context.channel().isActive()) {
      return;
    }
    if (paces.admits(source)) {
      begun = true;
      for (ByteBuf bytes = held.poll(); bytes != null; bytes = held.poll()) {
        context.fireChannelRead(bytes);
      }
      context.fireChannelReadComplete();
      context.channel().config().setAutoRead(true);
    } else {
      context.channel().config().setAutoRead(false);
      var _ = context.executor().schedule(() -> begin(context), PACE_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    for (ByteBuf bytes = held.poll(); bytes != null; bytes = held.poll()) {
      bytes.release();
    }
    Future<?> timer = givingUp;
    if (timer != null) {
      timer.cancel(false); // it would keep all of this until then
    }
    super.channelInactive(context);
  }

  /** Why the handshake failed; empty if it has not. */
  Optional<Throwable> failure() {
    SslHandler handler = tls;
    if (timedOut) {
      return Optional.of(
          new SslHandshakeTimeoutException("nothing for " + patience.toSeconds() + " s"));
    }
    return handler == null
        ? Optional.empty()
        : Optional.ofNullable(handler.handshakeFuture().cause());
  }
}
