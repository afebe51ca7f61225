package io.jobworker.server.auth;

import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/** Reads from a certificate whom it stands for: its subject's one and only common name. */
final class CertificateIdentity {
  private CertificateIdentity() {}

  /** What was found, or why it is not good enough. */
  record Found(Optional<String> cn, String problem) {}

  static Found of(X509Certificate certificate) {
    List<String> names;
    try {
      names =
          new LdapName(certificate.getSubjectX500Principal().getName())
              .getRdns().stream().flatMap(CertificateIdentity::commonNames).toList();
    } catch (InvalidNameException e) {
      return new Found(Optional.empty(), "cn_unreadable");
    }
    if (names.isEmpty() || names.getFirst().isBlank()) {
      return new Found(Optional.empty(), "cn_missing");
    }
    if (names.size() > 1) {
      return new Found(Optional.empty(), "cn_ambiguous");
    }
    if (names.getFirst().length() > Client.MAX_CN_LENGTH) {
      return new Found(Optional.empty(), "cn_too_long");
    }
    return new Found(Optional.of(names.getFirst()), "");
  }

  /** An RDN may hold several attributes (RFC 4514, 2.2). */
  private static java.util.stream.Stream<String> commonNames(Rdn rdn) {
    var attributes = rdn.toAttributes().get("CN");
    if (attributes == null) {
      return java.util.stream.Stream.empty();
    }
    List<String> values = new java.util.ArrayList<>();
    try {
      for (var all = attributes.getAll(); all.hasMore(); ) {
        values.add(String.valueOf(all.next()));
      }
    } catch (javax.naming.NamingException e) {
      values.add("");
    }
    return values.stream();
  }
}
