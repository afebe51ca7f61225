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

/**
 * Has the pathLenConstraint of an authority that is trusted hold, too. RFC 5280's validation takes
 * of a trust anchor its name and its key only (6.1.1 d), and so does Java's.
 */
final class AnchorPathLength extends PKIXCertPathChecker {
  private final List<X509Certificate> anchors;
  private int most; // certificates of authorities that may still follow
  private boolean first;

  AnchorPathLength(List<X509Certificate> anchors) {
    this.anchors = anchors;
  }

  @Override
  public void init(boolean forward) throws CertPathValidatorException {
    if (forward) {
      throw new CertPathValidatorException("paths are checked from their authority on");
    }
    first = true;
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
    if (first) {
      most = mostBelow(next);
      first = false;
    }
    if (most < 0) {
      throw new CertPathValidatorException(
          "there are more authorities below the one that is trusted than it allows",
          null,
          null,
          -1,
          PKIXReason.PATH_TOO_LONG);
    }
    if (!next.getSubjectX500Principal().equals(next.getIssuerX500Principal())) {
      most -= most == Integer.MAX_VALUE ? 0 : 1;
    }
  }

  /** What the issuer allows: of several with this name the one with this key. */
  private int mostBelow(X509Certificate issued) {
    for (X509Certificate anchor : anchors) {
      if (anchor.getSubjectX500Principal().equals(issued.getIssuerX500Principal())
          && hasIssued(anchor, issued)) {
        int allowed = anchor.getBasicConstraints();
        return allowed < 0 ? Integer.MAX_VALUE : allowed; // it says nothing, as old ones do
      }
    }
    return Integer.MAX_VALUE;
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
