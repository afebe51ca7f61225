package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandshakeTimeoutException;
import io.grpc.netty.shaded.io.netty.util.ReferenceCountUtil;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
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

  /** What is read before reading stops is not more than this, and some. */
  private static final int MAX_HELD = 8;

  private final Handshakes handshakes;
  private final Paces paces;
  private final Source source;
  private final Duration patience;
  private volatile @Nullable SslHandler tls;
  private volatile boolean timedOut;

  // By the connection's loop only.
  private final Queue<Object> held = new ArrayDeque<>();
  private boolean begun;

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
    var _ =
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
    held.add(message);
    if (held.size() == 1) {
      handshakes.speaks(context.channel());
      begin(context);
    } else if (held.size() > MAX_HELD) { // others read on, whatever the channel is told
      Connection.closeAtOnce(context.channel());
    }
  }

  private void begin(ChannelHandlerContext context) {
    if (paces.admits(source)) {
      begun = true;
      for (Object message = held.poll(); message != null; message = held.poll()) {
        context.fireChannelRead(message);
      }
      context.fireChannelReadComplete();
      context.channel().config().setAutoRead(true);
    } else if (context.channel().isActive()) {
      context.channel().config().setAutoRead(false);
      var _ = context.executor().schedule(() -> begin(context), PACE_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    for (Object message = held.poll(); message != null; message = held.poll()) {
      ReferenceCountUtil.release(message);
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
