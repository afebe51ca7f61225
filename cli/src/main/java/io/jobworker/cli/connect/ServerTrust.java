package io.jobworker.cli.connect;

import java.io.IOException;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Believes a server whose certificate is of one of the authorities and for the name that was asked
 * for. One that it does not believe is told in words for people: {@link NotTrusted}.
 */
final class ServerTrust extends X509ExtendedTrustManager {
  private static final String RENEWAL = "job-worker-server certs renew";

  private final List<X509Certificate> authorities;
  private final String origin;
  private final String name;
  private final X509TrustManager decides;

  /** The message says why, and what to do. */
  static final class NotTrusted extends CertificateException {
    NotTrusted(String message) {
      super(message);
    }

    NotTrusted(String message, Throwable cause) {
      super(message, cause);
    }
  }

  /** {@code name} is the server's, as its certificate must have it. */
  ServerTrust(Pem authorities, String name) throws GeneralSecurityException, IOException {
    this.authorities = authorities.certificates();
    this.origin = authorities.origin();
    this.name = name;
    this.decides = pkix(this.authorities);
  }

  private static X509TrustManager pkix(List<X509Certificate> authorities)
      throws GeneralSecurityException, IOException {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    int number = 0;
    for (X509Certificate authority : authorities) {
      trusted.setCertificateEntry("ca-" + number++, authority);
    }
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509TrustManager x509) {
        return x509;
      }
    }
    throw new IllegalStateException("PKIX without an X.509 trust manager");
  }

  private void check(X509Certificate[] chain, String type) throws CertificateException {
    try {
      decides.checkServerTrusted(chain, type);
    } catch (CertificateException e) {
      throw new NotTrusted(why(chain[0], Instant.now()), e);
    }
    if (!Certificates.isFor(chain[0], name)) {
      throw new NotTrusted(otherName(chain[0]));
    }
  }

  /** Whether the server that is at the other end is {@code name}, which gRPC asks once more. */
  static boolean isFor(SSLSession session, String name) {
    try {
      return session.getPeerCertificates()[0] instanceof X509Certificate server
          && Certificates.isFor(server, name);
    } catch (SSLPeerUnverifiedException e) {
      return false;
    }
  }

  private String why(X509Certificate server, Instant now) {
    Instant begins = server.getNotBefore().toInstant();
    Instant ends = server.getNotAfter().toInstant();
    if (now.isAfter(ends)) {
      return "the server's certificate ended on "
          + Certificates.day(ends)
          + "; its administrator renews it with: "
          + RENEWAL;
    }
    if (now.isBefore(begins)) {
      return "the server's certificate holds only from "
          + Certificates.day(begins)
          + " on; is this machine's clock right?";
    }
    if (authorities.stream().noneMatch(authority -> issued(authority, server))) {
      return "the server's certificate is not from the authority in "
          + origin
          + " but from another ('"
          + Certificates.commonName(server.getIssuerX500Principal()).orElse("no name")
          + "'); check the address, or get a new configuration from the server's administrator";
    }
    for (X509Certificate authority : authorities) {
      Instant end = authority.getNotAfter().toInstant();
      if (now.isAfter(end)) {
        return "the authority's certificate in "
            + origin
            + " ended on "
            + Certificates.day(end)
            + "; get a new configuration from the server's administrator";
      }
    }
    return "the server's certificate is not made for a server; its administrator renews it with: "
        + RENEWAL;
  }

  /** Whether the authority has signed it. */
  static boolean issued(X509Certificate authority, X509Certificate server) {
    try {
      server.verify(authority.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  private String otherName(X509Certificate server) {
    List<String> hosts = Certificates.hosts(server);
    return hosts.isEmpty()
        ? "the server's certificate names no host; its administrator renews it with: "
            + RENEWAL
            + " --host "
            + name
        : "the server's certificate is for "
            + String.join(", ", hosts)
            + ", not "
            + name
            + "; --server-name "
            + hosts.getFirst()
            + " or have it renewed for both: "
            + RENEWAL
            + " --host "
            + hosts.getFirst()
            + " --host "
            + name;
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    check(chain, type);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    check(chain, type);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain, type);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    throw new CertificateException("there are no clients of a client");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    throw new CertificateException("there are no clients of a client");
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw new CertificateException("there are no clients of a client");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return authorities.toArray(X509Certificate[]::new);
  }
}
