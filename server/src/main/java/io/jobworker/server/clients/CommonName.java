package io.jobworker.server.clients;

import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import javax.naming.InvalidNameException;
import javax.naming.NamingException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/** Whom a certificate stands for by its subject's one and only common name. */
final class CommonName implements CertificateIdentity {
  @Override
  public Found of(X509Certificate certificate) {
    List<String> names;
    try {
      names =
          new LdapName(certificate.getSubjectX500Principal().getName())
              .getRdns().stream().flatMap(CommonName::commonNames).toList();
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
  private static Stream<String> commonNames(Rdn rdn) {
    var attributes = rdn.toAttributes().get("CN");
    if (attributes == null) {
      return Stream.empty();
    }
    List<String> values = new ArrayList<>();
    try {
      for (var all = attributes.getAll(); all.hasMore(); ) {
        values.add(String.valueOf(all.next()));
      }
    } catch (NamingException e) {
      values.add("");
    }
    return values.stream();
  }
}
