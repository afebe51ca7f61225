package io.jobworker.server.tls;

import io.grpc.netty.shaded.io.netty.handler.ssl.OpenSslCertificateException;
import io.jobworker.server.transport.RefusedCertificate;
import java.net.Socket;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Decides as another does. Tells the audit whose certificate was refused, and the client that its
 * authority is not known, if that is why.
 */
final class NamingTrustManager extends X509ExtendedTrustManager {
  /** openssl-verify(1): X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY; the alert is unknown_ca. */
  private static final int UNKNOWN_AUTHORITY = 20;

  private final X509ExtendedTrustManager decides;

  NamingTrustManager(X509ExtendedTrustManager decides) {
    this.decides = decides;
  }

  private interface Check {
    void run() throws CertificateException;
  }

  private static void naming(X509Certificate[] chain, Check check) throws CertificateException {
    try {
      check.run();
    } catch (CertificateException e) {
      throw chain.length == 0 ? e : telling(new RefusedCertificate(chain[0], e));
    }
  }

  /** Netty finds the alert for the other reasons by itself. */
  private static CertificateException telling(RefusedCertificate refused) {
    Throwable root = refused;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root instanceof CertPathBuilderException
        ? new OpenSslCertificateException(refused, UNKNOWN_AUTHORITY)
        : refused;
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    naming(chain, () -> decides.checkClientTrusted(chain, type, engine));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    naming(chain, () -> decides.checkClientTrusted(chain, type, socket));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    naming(chain, () -> decides.checkClientTrusted(chain, type));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine)
      throws CertificateException {
    decides.checkServerTrusted(chain, type, engine);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket)
      throws CertificateException {
    decides.checkServerTrusted(chain, type, socket);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    decides.checkServerTrusted(chain, type);
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return decides.getAcceptedIssuers();
  }
}
