package io.jobworker.server.tls;

import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.netty.handler.ssl.ClientAuth;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import io.jobworker.base.keys.KeyPairs;
import io.jobworker.server.config.ConfigException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CRL;
import java.security.cert.CertPathBuilder;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.PKIXRevocationChecker;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.stream.Collectors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Who the server is and whom it believes, as it was in the files at one moment. Immutable.
 *
 * @param context for connections that begin with it: TLS 1.3 and nothing older, and a client must
 *     show a certificate of one of the authorities
 * @param chain the server's certificate, first, and those that lead to its authority
 */
record TlsIdentity(
    SslContext context,
    List<X509Certificate> chain,
    List<X509Certificate> authorities,
    X509TrustManager trust) {

  /**
   * Makes it of the files' contents.
   *
   * @throws ConfigException with one line that names the file and says what is wrong with it
   */
  static TlsIdentity of(TlsFiles files, TlsFiles.Contents contents) {
    List<X509Certificate> chain = Pem.certificates(files.certificate(), contents.certificate());
    List<X509Certificate> authorities =
        Pem.certificates(files.authorities(), contents.authorities());
    PrivateKey key = Pem.key(files.key(), contents.key());
    if (!KeyPairs.belongTogether(key, chain.getFirst().getPublicKey())) {
      throw new ConfigException(
          "the key in "
              + files.key()
              + " is not that of the certificate in "
              + files.certificate());
    }
    Collection<? extends CRL> revoked =
        contents.revoked().isPresent()
            ? Pem.revoked(files.revoked().orElseThrow(), contents.revoked().get())
            : List.of();
    try {
      X509TrustManager trust = trust(authorities, contents.revoked().isPresent(), revoked);
      SslContext context =
          GrpcSslContexts.configure(SslContextBuilder.forServer(key, chain))
              .protocols("TLSv1.3")
              .trustManager(trust)
              .clientAuth(ClientAuth.REQUIRE)
              .build();
      return new TlsIdentity(context, chain, authorities, trust);
    } catch (SSLException | GeneralSecurityException | IllegalArgumentException e) {
      throw new ConfigException(
          "cannot use the certificate in " + files.certificate() + ": " + e.getMessage());
    }
  }

  /** Whether a client whose handshake was under an earlier identity would be let in by this one. */
  boolean accepts(SSLSession session) {
    try {
      Certificate[] shown = session.getPeerCertificates();
      X509Certificate[] path = new X509Certificate[shown.length];
      for (int i = 0; i < shown.length; i++) {
        path[i] = (X509Certificate) shown[i];
      }
      trust.checkClientTrusted(path, path[0].getPublicKey().getAlgorithm());
      return true;
    } catch (SSLException | CertificateException e) {
      return false;
    }
  }

  /**
   * Who is let in: RFC 5280's path validation, and with a revocation list, none that is on it or
   * whose authority's list is missing or out of date.
   */
  private static X509TrustManager trust(
      List<X509Certificate> authorities, boolean checkRevoked, Collection<? extends CRL> revoked)
      throws GeneralSecurityException {
    PKIXBuilderParameters parameters =
        new PKIXBuilderParameters(
            authorities.stream()
                .map(authority -> new TrustAnchor(authority, null))
                .collect(Collectors.toSet()),
            null);
    parameters.addCertPathChecker(new AnchorPathLength(authorities));
    parameters.setRevocationEnabled(checkRevoked);
    if (checkRevoked) {
      parameters.addCertStore(
          java.security.cert.CertStore.getInstance(
              "Collection", new CollectionCertStoreParameters(revoked)));
      PKIXRevocationChecker checker =
          (PKIXRevocationChecker) CertPathBuilder.getInstance("PKIX").getRevocationChecker();
      checker.setOptions(
          EnumSet.of(
              PKIXRevocationChecker.Option.PREFER_CRLS,
              PKIXRevocationChecker.Option.NO_FALLBACK,
              PKIXRevocationChecker.Option.ONLY_END_ENTITY));
      parameters.addCertPathChecker(checker);
    }
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(new CertPathTrustManagerParameters(parameters));
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509ExtendedTrustManager x509) {
        return new NamingTrustManager(x509);
      }
    }
    throw new IllegalStateException("PKIX without an X.509 trust manager");
  }
}
