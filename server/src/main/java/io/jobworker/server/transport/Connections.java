package io.jobworker.server.transport;

import io.grpc.Attributes;
import io.grpc.Grpc;
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
import io.grpc.netty.shaded.io.netty.util.ResourceLeakDetector;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import java.net.SocketAddress;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/**
 * The connections of clients, and the event loops that serve them. Knows of each connection on
 * which loop it lives and, once its handshake is done, whose certificate it showed, so that streams
 * can be moved on where they are sent from, and clients thrown out. Thread-safe.
 */
public final class Connections implements AutoCloseable {
  private static final Attributes.Key<Executor> LOOP = Attributes.Key.create("event-loop");
  private static final long CLOSE_PATIENCE_SECONDS = 2;

  static {
    // For those who hunt leaks in netty; it notes where buffers come from, at a tenth of our time.
    ResourceLeakDetector.setLevel(ResourceLeakDetector.Level.DISABLED);
  }

  private record Connection(Channel channel, SSLSession session) {}

  private final boolean epoll = Epoll.isAvailable();
  private final EventLoopGroup acceptor = loops("accept", 1);
  private final EventLoopGroup loops =
      loops("connection", Math.max(2, Runtime.getRuntime().availableProcessors()));

  private final ConcurrentMap<SocketAddress, Channel> accepted = new ConcurrentHashMap<>();
  private final ConcurrentMap<SocketAddress, Connection> ready = new ConcurrentHashMap<>();

  private EventLoopGroup loops(String name, int count) {
    DefaultThreadFactory threads = new DefaultThreadFactory(name, true);
    return epoll ? new EpollEventLoopGroup(count, threads) : new NioEventLoopGroup(count, threads);
  }

  /** Has {@code server} use these loops and tell of its connections. */
  public NettyServerBuilder in(NettyServerBuilder server) {
    return server
        .bossEventLoopGroup(acceptor)
        .workerEventLoopGroup(loops)
        .channelFactory(this::listener)
        .addTransportFilter(new Filter());
  }

  private ServerChannel listener() {
    ServerChannel listener = epoll ? new EpollServerSocketChannel() : new NioServerSocketChannel();
    listener
        .pipeline()
        .addFirst(
            new ChannelInboundHandlerAdapter() {
              @Override
              public void channelRead(ChannelHandlerContext context, Object message) {
                note((Channel) message); // what a listening channel reads are connections
                context.fireChannelRead(message);
              }
            });
    return listener;
  }

  private void note(Channel channel) {
    SocketAddress peer = channel.remoteAddress();
    if (peer == null) {
      return; // gone already
    }
    accepted.put(peer, channel);
    var _ =
        channel
            .closeFuture()
            .addListener(closed -> {
              accepted.remove(peer, channel);
              ready.computeIfPresent(peer, (p, c) -> c.channel().equals(channel) ? null : c);
            });
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
      if (session != null) {
        ready.put(peer, new Connection(channel, session));
        if (!channel.isActive()) {
          ready.remove(peer);
        }
      }
      return attributes.toBuilder().set(LOOP, channel.eventLoop()).build();
    }
  }

  /** The event loop of the connection with these attributes; null if it is going already. */
  static @Nullable Executor loopOf(Attributes attributes) {
    return attributes.get(LOOP);
  }

  /** Closes the connections whose handshake is done and of which {@code unwanted} is true. */
  public void closeWhere(Predicate<SSLSession> unwanted) {
    for (Connection connection : ready.values()) {
      if (unwanted.test(connection.session())) {
        closeAtOnce(connection.channel());
      }
    }
  }

  /** The channel's own close would let HTTP/2 wait for the streams that are to be ended. */
  private static void closeAtOnce(Channel channel) {
    ChannelHandlerContext nextToSocket = channel.pipeline().firstContext();
    var _ = nextToSocket == null ? channel.close() : nextToSocket.close();
  }

  /** Ends the loops. To be called after the server that uses them has ended. */
  @Override
  public void close() {
    var _ = acceptor.shutdownGracefully(0, CLOSE_PATIENCE_SECONDS, TimeUnit.SECONDS);
    var _ =
        loops
            .shutdownGracefully(0, CLOSE_PATIENCE_SECONDS, TimeUnit.SECONDS)
            .awaitUninterruptibly();
  }
}
