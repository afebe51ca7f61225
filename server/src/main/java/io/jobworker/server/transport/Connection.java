package io.jobworker.server.transport;

import io.grpc.Attributes;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/** A client's connection whose handshake is done. Thread-safe. */
public final class Connection {
  private static final Attributes.Key<Connection> KEY = Attributes.Key.create("connection");

  /** How long a connection that is not wanted answers its calls with the reason. */
  private static final long FAREWELL_SECONDS = 5;

  private final Channel channel;
  private final SSLSession session;
  private final Optional<X509Certificate> certificate;
  private volatile boolean used;
  private volatile boolean restricted;
  private final FrameGovernor governor;
  private volatile Optional<RuntimeException> refusal = Optional.empty();

  Connection(Channel channel, SSLSession session, FrameGovernor governor) {
    this.channel = channel;
    this.session = session;
    this.certificate = certificate(session);
    this.governor = governor;
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

  /**
   * That which was shown; empty: none. Asked of the session once: that takes a lock of the
   * connection's, which its event loop needs.
   */
  public Optional<X509Certificate> certificate() {
    return certificate;
  }

  private static Optional<X509Certificate> certificate(SSLSession session) {
    try {
      Certificate[] chain = session.getPeerCertificates();
      return chain.length > 0 && chain[0] instanceof X509Certificate leaf
          ? Optional.of(leaf)
          : Optional.empty();
    } catch (SSLPeerUnverifiedException e) {
      return Optional.empty();
    }
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

  /** It is nobody's that is known: next to nothing may come by it from now on. */
  public void restrict() {
    restricted = true;
    channel.eventLoop().execute(governor::restrict);
  }

  /** It is a client's, perhaps of one who was none when it began. */
  public void welcome() {
    if (restricted) {
      restricted = false;
      channel.eventLoop().execute(governor::welcome);
    }
  }

  /** Where it comes from: address and port. */
  public String peer() {
    return Connections.text(channel.remoteAddress());
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
