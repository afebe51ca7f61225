package io.jobworker.server.tls;

import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;

/**
 * How long a certificate still holds.
 *
 * @param name its subject, as RFC 2253 writes it
 * @param left negative if it has expired
 */
public record CertificateExpiry(String name, Instant notAfter, Duration left) {
  /** From so long before on, it is time to do something about it. */
  public static final Duration WARNING = Duration.ofDays(30);

  /** That of {@code certificate}. */
  public static CertificateExpiry of(X509Certificate certificate, Clock clock) {
    Instant notAfter = certificate.getNotAfter().toInstant();
    return new CertificateExpiry(
        certificate.getSubjectX500Principal().getName(),
        notAfter,
        Duration.between(clock.instant(), notAfter));
  }

  /** Whether it ends within {@link #WARNING}, or has ended. */
  public boolean isNear() {
    return left.compareTo(WARNING) <= 0;
  }
}
