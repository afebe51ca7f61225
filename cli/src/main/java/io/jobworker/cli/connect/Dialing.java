package io.jobworker.cli.connect;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.time.Duration;
import javax.net.SocketFactory;

/** Makes TCP connections, and does not wait for ever for an answer. */
final class Dialing extends SocketFactory {
  private final int patienceMillis;

  Dialing(Duration patience) {
    this.patienceMillis = Math.toIntExact(patience.toMillis());
  }

  private Socket connect(InetSocketAddress to) throws IOException {
    Socket socket = new Socket();
    try {
      socket.connect(to, patienceMillis);
      return socket;
    } catch (IOException e) {
      socket.close();
      throw e;
    }
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connect(new InetSocketAddress(host, port));
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connect(new InetSocketAddress(host, port));
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort)
      throws IOException {
    return connect(new InetSocketAddress(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort)
      throws IOException {
    return connect(new InetSocketAddress(host, port));
  }
}
