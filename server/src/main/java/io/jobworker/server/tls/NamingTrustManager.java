package io.jobworker.server.tls;

import io.jobworker.server.transport.RefusedCertificate;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/** Decides as another does, and says of a client's certificate that it refuses whose it is. */
final class NamingTrustManager extends X509ExtendedTrustManager {
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
      throw chain.length == 0 ? e : new RefusedCertificate(chain[0], e);
    }
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
