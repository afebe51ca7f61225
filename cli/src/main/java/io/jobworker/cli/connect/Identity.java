package io.jobworker.cli.connect;

import io.jobworker.base.keys.KeyPairs;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;

/**
 * Who we are to the server.
 *
 * @param chain our certificate, first, and those that lead to its authority
 * @param origin the file that the certificate is from
 * @param keyOrigin the file that the key is from
 */
record Identity(List<X509Certificate> chain, PrivateKey key, String origin, String keyOrigin) {
  private static final char[] NO_PASSWORD = {};

  /**
   * Reads certificate and key. Whether they belong together is not looked at, which takes its time:
   * see {@link #fault}.
   *
   * @throws UsageException if they cannot be read
   */
  static Identity of(Pem certificate, Pem key) {
    List<X509Certificate> chain = certificate.certificates();
    return new Identity(
        chain, key.privateKey(chain.getFirst()), certificate.origin(), key.origin());
  }

  X509Certificate certificate() {
    return chain.getFirst();
  }

  KeyManager[] keyManagers() throws GeneralSecurityException, IOException {
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    own.setKeyEntry("client", key, NO_PASSWORD, chain.toArray(Certificate[]::new));
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(own, NO_PASSWORD);
    return keys.getKeyManagers();
  }

  /** What is wrong with it, as far as one can see from here; with what to do. */
  Optional<String> fault(Instant now) {
    Instant begins = certificate().getNotBefore().toInstant();
    Instant ends = certificate().getNotAfter().toInstant();
    if (now.isAfter(ends)) {
      return Optional.of("your certificate ended on " + Certificates.day(ends) + "; " + renewal());
    }
    if (now.isBefore(begins)) {
      return Optional.of(
          "your certificate holds only from "
              + Certificates.day(begins)
              + " on; is this machine's clock right?");
    }
    if (!KeyPairs.belongTogether(key, certificate().getPublicKey())) {
      return Optional.of(
          "the key in "
              + keyOrigin
              + " is not that of the certificate in "
              + origin
              + "; name the two that belong together by --cert and --key");
    }
    return Optional.empty();
  }

  /** What to do about a certificate that is no good any more. */
  String renewal() {
    return "ask the server's administrator for a new one: job-worker-server certs renew --client "
        + Certificates.commonName(certificate().getSubjectX500Principal()).orElse("NAME");
  }

  @Override
  public String toString() {
    return "the client of " + origin; // and never the key
  }
}
