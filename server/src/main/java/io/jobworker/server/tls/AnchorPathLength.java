package io.jobworker.server.tls;

import java.security.GeneralSecurityException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.Certificate;
import java.security.cert.PKIXCertPathChecker;
import java.security.cert.PKIXReason;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Has the pathLenConstraint of an authority that is trusted hold, too. RFC 5280's validation takes
 * of a trust anchor its name and its key only (6.1.1 d), and so does Java's.
 */
final class AnchorPathLength extends PKIXCertPathChecker {
  private final List<X509Certificate> anchors;

  /** The certificate that the anchor has issued, until another comes below it. */
  private @Nullable X509Certificate issued;

  private boolean isFirst; // of those that have another below them
  private int most; // that may still

  AnchorPathLength(List<X509Certificate> anchors) {
    this.anchors = anchors;
  }

  @Override
  public void init(boolean forward) throws CertPathValidatorException {
    if (forward) {
      throw new CertPathValidatorException("paths are checked from their authority on");
    }
    issued = null;
    isFirst = true;
    most = Integer.MAX_VALUE;
  }

  @Override
  public boolean isForwardCheckingSupported() {
    return false;
  }

  @Override
  public Set<String> getSupportedExtensions() {
    return Set.of();
  }

  /** Is given the certificates of a path one by one, the one that the anchor has issued first. */
  @Override
  public void check(Certificate certificate, Collection<String> unresolved)
      throws CertPathValidatorException {
    X509Certificate next = (X509Certificate) certificate;
    X509Certificate above = issued;
    if (above == null) {
      issued = next; // in most paths the only one, which asks nothing of the anchor
      return;
    }
    if (isFirst) {
      most = mostBelow(above);
      isFirst = false;
    }
    if (most != Integer.MAX_VALUE && !isSelfIssued(above)) {
      most--;
    }
    issued = next;
    if (most < 0) {
      throw new CertPathValidatorException(
          "there are more authorities below the one that is trusted than it allows",
          null,
          null,
          -1,
          PKIXReason.PATH_TOO_LONG);
    }
  }

  private static boolean isSelfIssued(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().equals(certificate.getIssuerX500Principal());
  }

  /** What the issuer allows: of several with this name and key the one that allows most. */
  private int mostBelow(X509Certificate first) {
    return anchors.stream()
        .filter(anchor -> anchor.getSubjectX500Principal().equals(first.getIssuerX500Principal()))
        .filter(anchor -> hasIssued(anchor, first))
        .mapToInt(X509Certificate::getBasicConstraints)
        .map(allowed -> allowed < 0 ? Integer.MAX_VALUE : allowed) // it says nothing, as old ones
        .max()
        .orElse(Integer.MAX_VALUE);
  }

  private static boolean hasIssued(X509Certificate anchor, X509Certificate issued) {
    try {
      issued.verify(anchor.getPublicKey());
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
