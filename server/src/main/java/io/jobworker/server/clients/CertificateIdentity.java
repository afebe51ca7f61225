package io.jobworker.server.clients;

import java.security.cert.X509Certificate;
import java.util.Optional;

/**
 * Reads from a certificate whom it stands for: the text by which the database of clients knows the
 * owner of the certificate. That the certificate is valid is certain before. Thread-safe.
 */
public interface CertificateIdentity {
  /** By the subject's common name. */
  CertificateIdentity COMMON_NAME = new CommonName();

  /**
   * What was found, or why it is not good enough.
   *
   * @param name whom the certificate stands for
   * @param problem for the audit; empty if there is a name
   */
  record Found(Optional<String> name, String problem) {}

  Found of(X509Certificate certificate);
}
