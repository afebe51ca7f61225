package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.jobworker.server.tls.CertificateAuthority.Issued;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** What listens on a free port of 127.0.0.1 and is no job-worker server. */
public final class TestServer implements AutoCloseable {
  private final ServerSocket listening;
  private final byte[] says;

  private TestServer(ServerSocket listening, byte[] says) {
    this.listening = listening;
    this.says = says;
    var _ = Thread.ofVirtual().start(this::accept);
  }

  /** One that shows this certificate, and hangs up after the handshake. */
  public static TestServer start(Issued issued) throws IOException {
    try {
      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null, null);
      byte[] key =
          Base64.getMimeDecoder()
              .decode(issued.keyPem().replaceAll("-----[A-Z ]+-----", "").strip());
      own.setKeyEntry(
          "server",
          KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(key)),
          new char[0],
          new Certificate[] {Certificates.parsed(issued.certificatePem())});
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(own, new char[0]);
      SSLContext context = SSLContext.getInstance("TLSv1.3");
      context.init(keys.getKeyManagers(), null, null);
      return new TestServer(
          context
              .getServerSocketFactory()
              .createServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1")),
          new byte[0]);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** One that says the same to whoever comes, in the clear. */
  public static TestServer saying(String text) throws IOException {
    return new TestServer(
        new ServerSocket(0, 50, InetAddress.ofLiteral("127.0.0.1")), text.getBytes(UTF_8));
  }

  private void accept() {
    while (!listening.isClosed()) {
      try (Socket client = listening.accept()) {
        client.getOutputStream().write(says.length == 0 ? "\n".getBytes(US_ASCII) : says);
        client.getOutputStream().flush();
        var _ = client.getInputStream().readAllBytes();
      } catch (IOException e) {
        // closed, or the client does not believe us
      }
    }
  }

  public int port() {
    return listening.getLocalPort();
  }

  @Override
  public void close() throws IOException {
    listening.close();
  }
}
