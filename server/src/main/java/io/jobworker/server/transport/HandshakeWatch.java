package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Before all other handlers of a connection: sees to it that its handshake, that of TLS and the
 * beginning of HTTP/2, is given up in time, and remembers why it failed, if it did. Puts the {@link
 * FrameGovernor} in its place, from the first byte on.
 */
final class HandshakeWatch extends ChannelInboundHandlerAdapter {
  private final Handshakes handshakes;
  private final Duration patience;
  private volatile @Nullable SslHandler tls;
  private volatile boolean timedOut;

  HandshakeWatch(Handshakes handshakes, Duration patience) {
    this.handshakes = handshakes;
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
