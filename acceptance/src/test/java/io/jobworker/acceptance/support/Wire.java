package io.jobworker.acceptance.support;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** A wire to a server on this machine that can be cut: what was sent then goes nowhere. */
public final class Wire implements AutoCloseable {
  private static final Duration SILENCE = Duration.ofSeconds(1);

  private final ServerSocket listening;
  private final int port;
  private final List<Pair> pairs = new CopyOnWriteArrayList<>();
  private volatile long lastByteNanos = System.nanoTime();

  /** Both ends of one connection. */
  private final class Pair {
    private final Socket client;
    private final Socket server;
    private volatile boolean cut;

    private Pair(Socket client) throws IOException {
      this.client = client;
      this.server = new Socket(InetAddress.ofLiteral("127.0.0.1"), port);
    }

    private void copy(Socket from, Socket to) {
      byte[] buffer = new byte[1 << 16];
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int n; (n = in.read(buffer)) >= 0; ) {
          lastByteNanos = System.nanoTime();
          if (!cut) {
            out.write(buffer, 0, n);
          }
        }
        if (!cut) {
          to.shutdownOutput();
        }
      } catch (IOException e) {
        if (!cut) {
          close();
        }
      }
    }

    private void close() {
      for (Socket socket : List.of(client, server)) {
        try {
          socket.close();
        } catch (IOException e) {
          // it is of no use any more
        }
      }
    }
  }

  private Wire(int port, ServerSocket listening) {
    this.port = port;
    this.listening = listening;
  }

  /** One that begins at {@code at}, on a free port, and leads to {@code port}. */
  public static Wire to(int port, InetAddress at) throws IOException {
    Wire wire = new Wire(port, new ServerSocket(0, 50, at));
    var _ = Thread.ofVirtual().start(wire::accept);
    return wire;
  }

  private void accept() {
    while (!listening.isClosed()) {
      try {
        Pair pair = new Pair(listening.accept());
        pairs.add(pair);
        var _ = Thread.ofVirtual().start(() -> pair.copy(pair.client, pair.server));
        var _ = Thread.ofVirtual().start(() -> pair.copy(pair.server, pair.client));
      } catch (IOException e) {
        // closed, or that client has no luck
      }
    }
  }

  public int port() {
    return listening.getLocalPort();
  }

  /** Waits until nothing has come by for a while. */
  public void awaitSilence() {
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> System.nanoTime() - lastByteNanos > SILENCE.toNanos());
  }

  /** From now on nothing comes through by the connections that there are; new ones are whole. */
  public void cut() {
    pairs.forEach(pair -> pair.cut = true);
  }

  @Override
  public void close() throws IOException {
    listening.close();
    pairs.forEach(Pair::close);
  }
}
