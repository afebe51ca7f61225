package io.jobworker.server.transport;

import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;

/** A certificate that was shown in a handshake is refused; it tells whose it is. */
public final class RefusedCertificate extends CertificateException {
  private final String subject;
  private final String serial;

  public RefusedCertificate(X509Certificate certificate, CertificateException why) {
    super(why.getMessage(), why);
    subject = certificate.getSubjectX500Principal().getName();
    serial = certificate.getSerialNumber().toString(16);
  }

  public String subject() {
    return subject;
  }

  public String serial() {
    return serial;
  }
}
