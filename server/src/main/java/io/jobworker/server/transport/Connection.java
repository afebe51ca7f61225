package io.jobworker.server.transport;

import io.grpc.Attributes;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSession;

/** A client's connection whose handshake is done. Thread-safe. */
public final class Connection {
  private static final Attributes.Key<Connection> KEY = Attributes.Key.create("connection");

  /** How long a connection that is not wanted answers its calls with the reason. */
  private static final long FAREWELL_SECONDS = 5;

  private final Channel channel;
  private final SSLSession session;
  private volatile boolean used;
  private volatile Optional<RuntimeException> refusal = Optional.empty();

  Connection(Channel channel, SSLSession session) {
    this.channel = channel;
    this.session = session;
  }

  /** That which a call with these attributes comes by. */
  public static Optional<Connection> of(Attributes attributes) {
    return Optional.ofNullable(attributes.get(KEY));
  }

  Attributes in(Attributes attributes) {
    return attributes.toBuilder().set(KEY, this).build();
  }

  Channel channel() {
    return channel;
  }

  public SSLSession session() {
    return session;
  }

  /** A call comes by it, and may be let through. */
  public void markUsed() {
    used = true;
  }

  /** Whether a call ever came by it. */
  public boolean isUsed() {
    return used;
  }

  /** Why every call by this connection is to be refused. */
  public Optional<RuntimeException> refusal() {
    return refusal;
  }

  /** Has all its calls refused with {@code why}, for a little while, and then closes it. */
  public void refuse(RuntimeException why) {
    refusal = Optional.of(why);
    var _ =
        channel
            .eventLoop()
            .schedule(() -> closeAtOnce(channel), FAREWELL_SECONDS, TimeUnit.SECONDS);
  }

  /** Runs {@code task} when it is closed; at once if it is. */
  public void onClose(Runnable task) {
    var _ = channel.closeFuture().addListener(_ -> task.run());
  }

  void closeAtOnce() {
    closeAtOnce(channel);
  }

  /** The channel's own close would let TLS and HTTP/2 wait for what is to be ended. */
  static void closeAtOnce(Channel channel) {
    ChannelHandlerContext nextToSocket = channel.pipeline().firstContext();
    var _ = nextToSocket == null ? channel.close() : nextToSocket.close();
  }
}
