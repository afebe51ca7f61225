package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelOutboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelPromise;
import io.grpc.netty.shaded.io.netty.channel.ServerChannel;
import io.grpc.netty.shaded.io.netty.channel.epoll.EpollServerSocketChannel;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.SocketCalls;
import java.net.SocketAddress;
import java.util.Map;
import java.util.Optional;

/**
 * A socket that is listened at already, by whoever started this process (sd_listen_fds(3)). That
 * one keeps it while the server restarts: nobody else can take its port then, and who connects
 * waits for the next server.
 */
final class GivenSocket {
  /** sd_listen_fds(3): those that are given begin with it. */
  private static final int FIRST = 3;

  private GivenSocket() {}

  /**
   * Its descriptor; empty: none was given to this process.
   *
   * @throws IllegalArgumentException if there are several
   */
  static Optional<Integer> descriptor(Map<String, String> environment, long pid) {
    String count = environment.getOrDefault("LISTEN_FDS", "0");
    if (!environment.getOrDefault("LISTEN_PID", "").equals(Long.toString(pid))
        || count.equals("0")) {
      return Optional.empty(); // or it is somebody else's, whose environment we have inherited
    }
    if (!count.equals("1")) {
      throw new IllegalArgumentException(
          "LISTEN_FDS is " + count + ", and the server listens at one socket");
    }
    return Optional.of(FIRST);
  }

  /**
   * Refuses what nobody could connect to.
   *
   * @throws IllegalArgumentException if it is no socket that is listened at
   */
  static void requireListening(int descriptor) {
    if (!SocketCalls.isListening(descriptor)) {
      throw new IllegalArgumentException(
          "LISTEN_FDS: descriptor " + descriptor + " is no TCP socket that is listened at");
    }
  }

  /**
   * Takes it over; binding it anew does nothing.
   *
   * @throws LinuxException if there is no such descriptor
   */
  static ServerChannel take(int descriptor) throws LinuxException {
    FileCalls.takeOver(descriptor);
    ServerChannel listening = new EpollServerSocketChannel(descriptor);
    listening
        .pipeline()
        .addFirst(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void bind(
                  ChannelHandlerContext context, SocketAddress address, ChannelPromise done) {
                var _ = done.setSuccess();
              }
            });
    return listening;
  }
}
