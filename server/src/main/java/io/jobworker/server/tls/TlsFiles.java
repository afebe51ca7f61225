package io.jobworker.server.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The files that TLS is made from.
 *
 * @param certificate the server's, with what leads from it to its authority
 * @param key the certificate's
 * @param authorities the trust bundle: the authorities whose clients are let in
 * @param revoked the certificates that the authorities have taken back, if there is such a list
 */
public record TlsFiles(Path certificate, Path key, Path authorities, Optional<Path> revoked) {
  /** Those that the configuration names. */
  public static TlsFiles of(ServerDirectory directory, ServerConfig.Tls tls) {
    return new TlsFiles(
        directory.resolve(tls.cert()),
        directory.resolve(tls.key()),
        directory.resolve(tls.ca()),
        tls.crl().isEmpty() ? Optional.empty() : Optional.of(directory.resolve(tls.crl())));
  }

  List<Path> all() {
    return Stream.concat(Stream.of(certificate, key, authorities), revoked.stream()).toList();
  }

  /** What was in the files at one moment; bytes as characters, so that two can be compared. */
  record Contents(String certificate, String key, String authorities, Optional<String> revoked) {
    @Override
    public String toString() {
      return "TLS files"; // and never the key
    }
  }

  /**
   * Reads them.
   *
   * @throws ConfigException if one cannot be read, or the key is not private
   */
  Contents read() {
    ServerDirectory.requirePrivate(key);
    return new Contents(
        text(certificate), text(key), text(authorities), revoked.map(TlsFiles::text));
  }

  /** The DNS names and addresses that the server's present certificate is for. */
  public List<String> hosts() {
    try {
      var names =
          Pem.certificates(certificate, text(certificate)).getFirst().getSubjectAlternativeNames();
      // RFC 5280, 4.2.1.6: a name is a pair of its kind and its text; 2 is DNS, 7 an address
      return names == null
          ? List.of()
          : names.stream()
              .filter(name -> List.of(2, 7).contains(name.getFirst()))
              .map(name -> String.valueOf(name.getLast()))
              .toList();
    } catch (CertificateParsingException e) {
      throw new ConfigException("cannot read the names in " + certificate);
    }
  }

  /** The certificates in the files: the server's own first, then those of the trust bundle. */
  public List<X509Certificate> certificates() {
    return Stream.of(certificate, authorities)
        .flatMap(file -> Pem.certificates(file, text(file)).stream())
        .distinct()
        .toList();
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, ISO_8859_1);
    } catch (IOException e) {
      throw new ConfigException("cannot read " + file);
    }
  }
}
