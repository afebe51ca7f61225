package io.jobworker.cli.connect;

import java.net.InetAddress;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.security.auth.x500.X500Principal;

/** What certificates say, in words for people. */
final class Certificates {
  // RFC 5280, 4.2.1.6: a name is a pair of its kind and its text
  private static final int DNS = 2;
  private static final int ADDRESS = 7;

  private static final DateTimeFormatter DAY =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm 'UTC'", Locale.ROOT);

  private Certificates() {}

  static String day(Instant time) {
    return DAY.format(time.atOffset(ZoneOffset.UTC));
  }

  /** The subject's or issuer's common name. */
  static Optional<String> commonName(X500Principal name) {
    try {
      return new LdapName(name.getName())
          .getRdns().stream()
              .filter(part -> part.getType().equalsIgnoreCase("CN"))
              .map(part -> shown(String.valueOf(part.getValue())))
              .findFirst();
    } catch (InvalidNameException e) {
      return Optional.empty();
    }
  }

  /** The DNS names and addresses of whoever the certificate is for. */
  static List<String> hosts(X509Certificate certificate) {
    return names(certificate, List.of(DNS, ADDRESS)).stream().map(Certificates::shown).toList();
  }

  /**
   * Whether it is for {@code host}, as RFC 9525, 6, has it: an address is compared with addresses,
   * a name with names, and a wildcard stands for a whole first label.
   */
  static boolean isFor(X509Certificate certificate, String host) {
    Optional<InetAddress> address = address(host);
    return address.isPresent()
        ? names(certificate, List.of(ADDRESS)).stream()
            .anyMatch(name -> address(name).equals(address))
        : names(certificate, List.of(DNS)).stream().anyMatch(name -> matches(name, host));
  }

  private static boolean matches(String name, String host) {
    int dot = host.indexOf('.');
    return name.equalsIgnoreCase(host)
        || (name.startsWith("*.")
            && dot > 0
            && name.substring(1).equalsIgnoreCase(host.substring(dot)));
  }

  private static List<String> names(X509Certificate certificate, List<Integer> kinds) {
    List<String> found = new ArrayList<>();
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      if (names != null) {
        for (List<?> name : names) {
          if (name.getFirst() instanceof Integer kind && kinds.contains(kind)) {
            found.add(String.valueOf(name.getLast()));
          }
        }
      }
    } catch (CertificateParsingException e) {
      found.clear(); // it is for nobody then
    }
    return found;
  }

  private static Optional<InetAddress> address(String host) {
    try {
      return Optional.of(InetAddress.ofLiteral(host));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /** Part of it may be of somebody else's making. */
  private static String shown(String text) {
    String plain = text.replaceAll("\\p{Cntrl}", "?");
    return plain.length() <= 100 ? plain : plain.substring(0, 100) + "...";
  }
}
