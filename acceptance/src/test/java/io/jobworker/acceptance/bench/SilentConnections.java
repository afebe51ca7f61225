package io.jobworker.acceptance.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.LockSupport;

/** Connections on which nothing is said, from 127.0.0.2, so many a second. */
final class SilentConnections {
  private static final int HELD = 300;

  private final int port;
  private final long pauseNanos;
  private final LongAdder opened = new LongAdder();
  private final LongAdder nanos = new LongAdder();

  SilentConnections(int port, int perSecond) {
    this.port = port;
    this.pauseNanos = TimeUnit.SECONDS.toNanos(1) / perSecond;
  }

  /** Opens them until it is interrupted. */
  Thread flood() {
    return Thread.ofPlatform().start(this::open);
  }

  /** How many there were, over all floods. */
  long perSecond() {
    return Math.round(opened.sum() / (nanos.sum() / 1e9));
  }

  private void open() {
    Deque<Socket> held = new ArrayDeque<>();
    long start = System.nanoTime();
    long next = start;
    while (!Thread.currentThread().isInterrupted()) {
      try {
        Socket socket = new Socket();
        held.add(socket);
        socket.bind(new InetSocketAddress("127.0.0.2", 0));
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
        opened.increment();
        if (held.size() > HELD) {
          held.remove().close();
        }
      } catch (IOException e) {
        // refused; once more
      }
      next += pauseNanos;
      LockSupport.parkNanos(next - System.nanoTime());
    }
    nanos.add(System.nanoTime() - start);
    for (Socket socket : held) {
      try {
        socket.close();
      } catch (IOException e) {
        // as good as closed
      }
    }
  }
}
