package io.jobworker.cli.connect;

import io.grpc.ManagedChannel;
import io.grpc.okhttp.OkHttpChannelBuilder;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingV2Stub;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerStub;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.concurrent.TimeUnit;
import java.util.logging.Level;
import java.util.logging.Logger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/** A channel to the server: mutual TLS, version 1.3 only. */
public final class Connection implements AutoCloseable {
  /** Flow control, not latency, limits a follower with gRPC's default of 64 KiB. */
  private static final int WINDOW_BYTES = 4 << 20;

  private static final int MAX_MESSAGE_BYTES = 16 << 20;
  private static final String[] VERSIONS = {"TLSv1.3"};
  private static final String[] CIPHERS = {
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"
  };
  private static final char[] NO_PASSWORD = {};

  /**
   * gRPC's remarks are not for whoever reads our standard error. Held, so that the level is kept.
   */
  private static final Logger GRPC_LOG = Logger.getLogger("io.grpc");

  static {
    GRPC_LOG.setLevel(Level.OFF);
  }

  private final ManagedChannel channel;
  private final boolean owned;

  private Connection(ManagedChannel channel, boolean owned) {
    this.channel = channel;
    this.owned = owned;
  }

  /** Prepares a connection; it is made when it is first used. */
  public static Connection to(ClientConfig config) {
    return new Connection(
        OkHttpChannelBuilder.forTarget("dns:///" + config.address())
            .sslSocketFactory(socketFactory(config))
            .tlsConnectionSpec(VERSIONS, CIPHERS)
            .flowControlWindow(WINDOW_BYTES)
            .maxInboundMessageSize(MAX_MESSAGE_BYTES)
            .build(),
        true);
  }

  /**
   * The same for one of several users, whose closing closes nothing; if it is broken, it is made
   * anew at once.
   */
  public Connection shared() {
    channel.resetConnectBackoff();
    return new Connection(channel, false);
  }

  /** Calls that wait for their answers. */
  public JobWorkerBlockingV2Stub calls() {
    return JobWorkerGrpc.newBlockingV2Stub(channel);
  }

  /** Calls that go on by themselves, for what is sent and heard at the same time. */
  public JobWorkerStub streams() {
    return JobWorkerGrpc.newStub(channel);
  }

  private static SSLSocketFactory socketFactory(ClientConfig config) {
    try {
      CertificateFactory certificates = CertificateFactory.getInstance("X.509");
      KeyStore trusted = emptyStore();
      int number = 0;
      for (Certificate ca : certificates(certificates, config.ca())) {
        trusted.setCertificateEntry("ca-" + number++, ca);
      }
      KeyStore own = emptyStore();
      own.setKeyEntry(
          "client",
          privateKey(config.key()),
          NO_PASSWORD,
          certificates(certificates, config.cert()).toArray(Certificate[]::new));

      TrustManagerFactory trust =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      trust.init(trusted);
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(own, NO_PASSWORD);
      SSLContext context = SSLContext.getInstance("TLSv1.3");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context.getSocketFactory();
    } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
      throw new UsageException("the certificates cannot be used: " + e.getMessage());
    }
  }

  private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    return store;
  }

  private static Collection<? extends Certificate> certificates(
      CertificateFactory factory, String pem) throws GeneralSecurityException {
    return factory.generateCertificates(
        new ByteArrayInputStream(pem.strip().getBytes(StandardCharsets.US_ASCII)));
  }

  private static PrivateKey privateKey(String pem) throws GeneralSecurityException {
    String base64 = pem.replaceAll("-----(BEGIN|END) PRIVATE KEY-----", "").replaceAll("\\s", "");
    PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(base64));
    try {
      return KeyFactory.getInstance("EC").generatePrivate(spec);
    } catch (GeneralSecurityException e) {
      return KeyFactory.getInstance("RSA").generatePrivate(spec);
    }
  }

  @Override
  public void close() {
    if (!owned) {
      return;
    }
    channel.shutdownNow();
    try {
      channel.awaitTermination(1, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
