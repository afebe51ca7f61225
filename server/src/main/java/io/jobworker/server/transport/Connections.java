package io.jobworker.server.transport;

import io.grpc.Attributes;
import io.grpc.Codec;
import io.grpc.DecompressorRegistry;
import io.grpc.Grpc;
import io.grpc.Server;
import io.grpc.ServerBuilder;
import io.grpc.ServerTransportFilter;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelInboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.Epoll;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.nio.NioEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.util.ResourceLeakDetector;
import io.grpc.netty.shaded.io.netty.util.concurrent.Future;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.net.HostAndPort;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The connections of clients, and the event loops that serve them. Knows of each connection on
 * which loop it lives and, once its handshake is done, whose certificate it showed, so that streams
 * can be moved on where they are sent from, and clients thrown out. Bounds how many there are.
 * Thread-safe.
 */
public final class Connections implements AutoCloseable {
  private static final Attributes.Key<Executor> LOOP = Attributes.Key.create("event-loop");
  private static final int FLOW_CONTROL_WINDOW = 256 << 10; // of requests, which are small

  /** Of a compressed request nobody knows how large it is before it is. */
  private static final DecompressorRegistry UNCOMPRESSED =
      DecompressorRegistry.emptyInstance().with(Codec.Identity.NONE, false);

  /** Further ones wait at the client (RFC 9113, 5.1.2). */
  static final int MAX_CALLS_PER_CONNECTION = 1024;

  /** Half of what clients usually leave between two, so that none is sent away for a jitter. */
  private static final long PERMITTED_PING_SECONDS = 5;

  /** A client that is gone without a word holds its streams no longer than this, and some. */
  private static final long ASK_AFTER_SECONDS = 300;

  private static final long CLOSE_PATIENCE_SECONDS = 2;
  private static final long GRPC_PATIENCE_SECONDS = 300;

  static {
    // For those who hunt leaks in netty; it notes where buffers come from, at a tenth of our time.
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
  }

  /**
   * What connections may take.
   *
   * @param max how many there may be
   * @param perSecond how many handshakes of one address may begin in a second, twice as many after
   *     a while without; further ones wait. Of a network four times as many, of all ten times
   * @param handshakes how many of them may be at their handshake; beyond that, one of the address
   *     that has the most is closed
   * @param handshakePatience how long a handshake may take
   * @param idle how long one may be open without a call
   */
  public record Bounds(
      int max, int perSecond, int handshakes, Duration handshakePatience, Duration idle) {}

  /** What connections are secured by. */
  @FunctionalInterface
  public interface Security {
    /** For connections that begin from now on. */
    SslContext context();
  }

  /** Hears of connections. What it is told may be handled late, and it may block. */
  public interface Listener {
    /** A handshake is done. */
    void ready(Connection connection);

    /** One is closed without having come so far. */
    void refused(RefusedConnection refused);

    /** One is closed for its frames, of which {@code kind} were too many. */
    void flooded(Connection connection, String kind);
  }

  private final Bounds bounds;
  private final Executor blocking;
  private final boolean epoll = Epoll.isAvailable();

  /** The socket to listen at, if somebody has opened one for us. */
  private final Optional<Integer> given;

  private final EventLoopGroup acceptor;
  private final EventLoopGroup loops;

  private final ConcurrentMap<SocketAddress, Channel> accepted = new ConcurrentHashMap<>();
  private final ConcurrentMap<SocketAddress, Connection> ready = new ConcurrentHashMap<>();
  private final Handshakes handshakes;
  private final Paces paces;
  private volatile @Nullable Listener listener;

  /**
   * {@code blocking} is where the listener is called.
   *
   * @throws IllegalArgumentException if this process was given sockets that it cannot listen at
   */
  public Connections(Bounds bounds, Executor blocking) {
    this.given = GivenSocket.descriptor(System.getenv(), ProcessHandle.current().pid());
    if (given.isPresent() && !epoll) {
      throw new IllegalArgumentException("a socket was given that cannot be taken: no epoll(7)");
    }
    given.ifPresent(GivenSocket::requireListening);
    // Only now, for nobody would close them.
    this.acceptor = loops("accept", 1);
    this.loops = loops("connection", Math.max(2, Runtime.getRuntime().availableProcessors()));
    this.bounds = bounds;
    this.blocking = blocking;
    this.handshakes = new Handshakes(bounds.handshakes());
    this.paces = new Paces(bounds.perSecond());
  }

  private EventLoopGroup loops(String name, int count) {
    ThreadFactory threads = new YieldingThreads(name);
    return epoll ? new EpollEventLoopGroup(count, threads) : new NioEventLoopGroup(count, threads);
  }

  /**
   * A server to be built, whose connections these are.
   *
   * @param toTell hears of them
   */
  public ServerBuilder<?> server(InetSocketAddress address, Security security, Listener toTell) {
    listener = toTell;
    return NettyServerBuilder.forAddress(address)
        .sslContext(security.context())
        .initialFlowControlWindow(FLOW_CONTROL_WINDOW)
        .decompressorRegistry(UNCOMPRESSED)
        .addStreamTracerFactory(new InboundBytes.Factory())
        .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
        .bossEventLoopGroup(acceptor)
        .workerEventLoopGroup(loops)
        .channelFactory(this::listener)
        .addTransportFilter(new Filter())
        .handshakeTimeout(GRPC_PATIENCE_SECONDS, TimeUnit.SECONDS) // ours is shorter, and tells
        .permitKeepAliveTime(PERMITTED_PING_SECONDS, TimeUnit.SECONDS)
        .permitKeepAliveWithoutCalls(true) // and yet it is idle: a ping is no call
        .keepAliveTime(ASK_AFTER_SECONDS, TimeUnit.SECONDS)
        .maxConnectionIdle(bounds.idle().toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Where it is listened at, which is not {@code configured} if a socket was given. */
  public HostAndPort listensAt(HostAndPort configured, Server server) {
    if (given.isPresent() && server.getListenSockets().getFirst() instanceof InetSocketAddress at) {
      return new HostAndPort(at.getAddress().getHostAddress(), at.getPort());
    }
    return configured.withPort(server.getPort());
  }

  private ServerChannel listener() {
    ServerChannel listening = listeningChannel();
    listening
        .pipeline()
        .addFirst(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext context, Object message) {
                Channel connection = (Channel) message; // what a listening channel reads
                if (admit(connection)) {
                  context.fireChannelRead(message);
                } else {
                  connection.unsafe().closeForcibly(); // it belongs to no loop yet
                }
              }
            });
    return listening;
  }

  private ServerChannel listeningChannel() {
    if (!epoll) {
      return new NioServerSocketChannel();
    }
    try {
      return given.isPresent() ? GivenSocket.take(given.get()) : new EpollServerSocketChannel();
    } catch (LinuxException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** On the acceptor's one thread. */
  private boolean admit(Channel channel) {
    SocketAddress peer = channel.remoteAddress();
    if (peer == null) {
      return false; // gone already
    }
    Source source = Source.of(peer);
    if (!paces.accepts(source)) {
      tellRefused(RefusedConnection.of(text(peer), "too_many_handshakes"));
      return false;
    }
    int leaving = handshakes.crowdedOut(); // soon
    if (accepted.size() - Math.min(leaving, bounds.handshakes()) >= bounds.max()) {
      tellRefused(RefusedConnection.of(text(peer), "too_many_connections"));
      return false;
    }
    accepted.put(peer, channel);
    HandshakeWatch watch =
        new HandshakeWatch(handshakes, paces, source, bounds.handshakePatience());
    channel.pipeline().addFirst(watch);
    handshakes.begin(channel, source);
    var _ = channel.closeFuture().addListener(_ -> closed(peer, channel, watch));
    return true;
  }

  private void closed(SocketAddress peer, Channel channel, HandshakeWatch watch) {
    Handshakes.End end = handshakes.end(channel);
    accepted.remove(peer, channel);
    ready.computeIfPresent(peer, (p, c) -> c.channel().equals(channel) ? null : c);
    switch (end) {
      case DONE -> {}
      case CROWDED_OUT -> tellRefused(RefusedConnection.of(text(peer), "too_many_handshakes"));
      case UNDER_WAY ->
          tellRefused(
              watch
                  .failure()
                  .map(failure -> RefusedConnection.of(text(peer), failure))
                  .orElseGet(() -> RefusedConnection.of(text(peer), "closed")));
    }
  }

  static String text(SocketAddress peer) {
    String text = peer.toString();
    return text.startsWith("/") ? text.substring(1) : text;
  }

  private void tellRefused(RefusedConnection refused) {
    tell(hears -> hears.refused(refused));
  }

  private void tell(java.util.function.Consumer<Listener> what) {
    Listener hears = listener;
    if (hears != null) {
      try {
        blocking.execute(() -> what.accept(hears));
      } catch (RejectedExecutionException e) {
        // the server is going
      }
    }
  }

  private final class Filter extends ServerTransportFilter {
    @Override
    public Attributes transportReady(Attributes attributes) {
      SocketAddress peer = attributes.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
      SSLSession session = attributes.get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
      Channel channel = peer == null ? null : accepted.get(peer);
      if (peer == null || channel == null) {
        return attributes;
      }
      Attributes known = attributes.toBuilder().set(LOOP, channel.eventLoop()).build();
      if (session == null) {
        return known;
      }
      handshakes.done(channel);
      FrameGovernor governor = channel.pipeline().get(FrameGovernor.class);
      Connection connection = new Connection(channel, session, governor);
      governor.tell(kind -> tell(hears -> hears.flooded(connection, kind.toString())));
      ready.put(peer, connection);
      if (!channel.isActive()) {
        ready.remove(peer);
      }
      governor.await(channel);
      tell(hears -> {
        try {
          hears.ready(connection);
        } finally {
          channel.eventLoop().execute(() -> governor.goOn(channel));
        }
      });
      return connection.in(known);
    }
  }

  /** The event loop of the connection with these attributes; null if it is going already. */
  static @Nullable Executor loopOf(Attributes attributes) {
    return attributes.get(LOOP);
  }

  /** Closes the connections whose handshake is done and of which {@code unwanted} is true. */
  public void closeWhere(Predicate<Connection> unwanted) {
    for (Connection connection : ready.values()) {
      if (unwanted.test(connection)) {
        connection.closeAtOnce();
      }
    }
  }

  /** How many there are, handshakes and all. */
  public int count() {
    return accepted.size();
  }

  /** Ends the loops. To be called after the server that uses them has ended. */
  @Override
  public void close() {
    Future<?> accepting = acceptor.shutdownGracefully(0, CLOSE_PATIENCE_SECONDS, TimeUnit.SECONDS);
    Future<?> serving = loops.shutdownGracefully(0, CLOSE_PATIENCE_SECONDS, TimeUnit.SECONDS);
    // Not for ever: a loop that something holds must not keep the server from ending.
    var _ = accepting.awaitUninterruptibly(2 * CLOSE_PATIENCE_SECONDS, TimeUnit.SECONDS);
    var _ = serving.awaitUninterruptibly(2 * CLOSE_PATIENCE_SECONDS, TimeUnit.SECONDS);
  }
}
