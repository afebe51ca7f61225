package io.jobworker.cli.connect;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * TLS on connections that are there. Whoever has taken the connection and says nothing is waited
 * for so long in the handshake, and without a bound after it, where gRPC's keepalive looks after
 * the connection.
 */
final class BoundedHandshakes extends SSLSocketFactory {
  private final SSLSocketFactory tls;
  private final int patienceMillis;

  BoundedHandshakes(SSLSocketFactory tls, Duration patience) {
    this.tls = tls;
    this.patienceMillis = Math.toIntExact(patience.toMillis());
  }

  @Override
  public Socket createSocket(Socket connected, String host, int port, boolean autoClose)
      throws IOException {
    SSLSocket socket = (SSLSocket) tls.createSocket(connected, host, port, autoClose);
    connected.setSoTimeout(patienceMillis);
    socket.addHandshakeCompletedListener(_ -> unbound(connected));
    return socket;
  }

  private static void unbound(Socket socket) {
    try {
      socket.setSoTimeout(0);
    } catch (SocketException e) {
      // closed by now: whoever reads it sees that
    }
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return tls.getDefaultCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return tls.getSupportedCipherSuites();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    throw new IOException("TLS begins on a connection that is there");
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    throw new IOException("TLS begins on a connection that is there");
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress from, int fromPort)
      throws IOException {
    throw new IOException("TLS begins on a connection that is there");
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress from, int fromPort)
      throws IOException {
    throw new IOException("TLS begins on a connection that is there");
  }
}
