package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/** The certificates of a server and its clients, and connections that are made with them. */
public final class Certificates {
  private final Path directory;
  private final int port;

  Certificates(Path directory, int port) {
    this.directory = directory;
    this.port = port;
  }

  /** The client's {@code cert} or {@code key}. */
  public String pem(String client, String key) {
    try {
      String toml = Files.readString(directory.resolve("clients").resolve(client + ".toml"));
      int start = toml.indexOf("\n" + key + " = '''\n") + key.length() + 8;
      return toml.substring(start, toml.indexOf("'''", start));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The certificate in a PEM text. */
  public static X509Certificate parsed(String pem) throws GeneralSecurityException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509").generateCertificate(stream(pem));
  }

  /** A channel with the client's own certificate. The caller shuts it down. */
  public ManagedChannel channel(String client) {
    return channel(pem(client, "cert"), pem(client, "key"));
  }

  /** A channel with any certificate, or none if it is empty. */
  public ManagedChannel channel(String certificatePem, String keyPem) {
    try {
      SslContextBuilder tls =
          GrpcSslContexts.forClient().trustManager(directory.resolve("ca.crt").toFile());
      if (!certificatePem.isEmpty()) {
        tls.keyManager(stream(certificatePem), stream(keyPem));
      }
      return NettyChannelBuilder.forAddress("localhost", port).sslContext(tls.build()).build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(UTF_8));
  }

  /** A connection on which nothing was said yet. */
  public Socket connect() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), port);
  }

  /** A connection of the client's whose handshake is done. */
  public SSLSocket connect(String client) throws IOException {
    return connect(pem(client, "cert"), pem(client, "key"));
  }

  /** Likewise, of whoever has this certificate. */
  public SSLSocket connect(String certificatePem, String keyPem) throws IOException {
    try {
      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null, null);
      byte[] key =
          Base64.getMimeDecoder().decode(keyPem.replaceAll("-----[A-Z ]+-----", "").strip());
      own.setKeyEntry(
          "client",
          KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(key)),
          new char[0],
          new Certificate[] {parsed(certificatePem)});
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(own, new char[0]);
      return handshake("TLSv1.3", keys.getKeyManagers());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The certificate that the server shows to a connection that begins now. */
  public X509Certificate shown() {
    try (SSLSocket socket = handshake("TLSv1.3")) {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A connection whose handshake had only {@code version} on offer, without a certificate. */
  public SSLSocket handshake(String version) throws IOException {
    return handshake(version, new KeyManager[0]);
  }

  private SSLSocket handshake(String version, KeyManager[] keys) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys, new TrustManager[] {new TrustEverybody()}, null);
      SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port);
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"h2"});
      socket.setSSLParameters(parameters);
      socket.setEnabledProtocols(new String[] {version});
      socket.startHandshake();
      return socket;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static final class TrustEverybody implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
