package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandler;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Before all other handlers of a connection: sees to it that its handshake is given up in time, and
 * remembers why it failed, if it did.
 */
final class HandshakeWatch extends ChannelInboundHandlerAdapter {
  private final Duration patience;
  private volatile @Nullable SslHandler tls;

  HandshakeWatch(Duration patience) {
    this.patience = patience;
  }

  /** The handlers are in place by now, and TLS begins with what follows. */
  @Override
  public void channelActive(ChannelHandlerContext context) throws Exception {
    SslHandler handler = context.pipeline().get(SslHandler.class);
    if (handler != null) {
      handler.setHandshakeTimeoutMillis(patience.toMillis());
      tls = handler;
    }
    super.channelActive(context);
  }

  /** Why the handshake failed; empty if it has not. */
  Optional<Throwable> failure() {
    SslHandler handler = tls;
    return handler == null
        ? Optional.empty()
        : Optional.ofNullable(handler.handshakeFuture().cause());
  }
}
