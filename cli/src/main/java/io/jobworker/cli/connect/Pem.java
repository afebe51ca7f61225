package io.jobworker.cli.connect;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.ByteArrayInputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text with certificates or a key in it, as openssl writes them. Whatever stands around the
 * blocks is passed over.
 *
 * @param origin the file that it is from
 */
record Pem(String text, String origin) {
  // RFC 7468, 2
  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \\1-----", Pattern.DOTALL);

  private static final String PKCS8 = "PRIVATE KEY";
  private static final String SEC1 = "EC PRIVATE KEY";
  private static final String PKCS1 = "RSA PRIVATE KEY";

  @Override
  public String toString() {
    return "PEM from " + origin; // and never the key
  }

  /**
   * All certificates, in their order.
   *
   * @throws UsageException if there is none, or one is damaged
   */
  List<X509Certificate> certificates() {
    List<X509Certificate> found = new ArrayList<>();
    for (Matcher block = BLOCK.matcher(text); block.find(); ) {
      if (block.group(1).endsWith("CERTIFICATE")) {
        found.add(certificate(block.group(2)));
      }
    }
    if (found.isEmpty()) {
      throw new UsageException(
          origin + " holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
    }
    return List.copyOf(found);
  }

  private X509Certificate certificate(String base64) {
    try {
      return (X509Certificate)
          CertificateFactory.getInstance("X.509")
              .generateCertificate(new ByteArrayInputStream(decoded(base64)));
    } catch (CertificateException | IllegalArgumentException e) {
      throw new UsageException("a certificate in " + origin + " is damaged; get it anew");
    }
  }

  /**
   * The private key, which belongs to {@code certificate}.
   *
   * @throws UsageException if there is none, or none that can be read, with what to do
   */
  PrivateKey privateKey(X509Certificate certificate) {
    for (Matcher block = BLOCK.matcher(text); block.find(); ) {
      if (block.group(1).endsWith(PKCS8)) {
        return privateKey(block.group(1), block.group(2), certificate);
      }
    }
    throw new UsageException(origin + " holds no private key in PEM (-----BEGIN PRIVATE KEY-----)");
  }

  private PrivateKey privateKey(String kind, String base64, X509Certificate certificate) {
    // RFC 1421, 4.6.1.1: how openssl's old form says that it is encrypted
    if (kind.startsWith("ENCRYPTED") || base64.contains("ENCRYPTED")) {
      throw new UsageException(
          "the key in "
              + origin
              + " is encrypted; decrypt it with: openssl pkcs8 -in KEY -out NEW, and name NEW");
    }
    byte[] key;
    try {
      key = decoded(base64);
    } catch (IllegalArgumentException e) {
      throw new UsageException("the key in " + origin + " is damaged; get it anew");
    }
    return switch (kind) {
      case PKCS8 -> ofPkcs8(key, certificate);
      case SEC1, PKCS1 -> ofPkcs8(Der.pkcs8(certificate.getPublicKey(), key), certificate);
      default ->
          throw new UsageException(
              "the key in "
                  + origin
                  + " is of a kind that is not read here ("
                  + kind
                  + "); convert it with: openssl pkcs8 -topk8 -nocrypt -in KEY -out NEW");
    };
  }

  private PrivateKey ofPkcs8(byte[] key, X509Certificate certificate) {
    try {
      return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
          .generatePrivate(new PKCS8EncodedKeySpec(key));
    } catch (GeneralSecurityException e) {
      throw new UsageException(
          "the key in "
              + origin
              + " is damaged, or not that of the certificate; convert it with: openssl pkcs8"
              + " -topk8 -nocrypt -in KEY -out NEW");
    }
  }

  private static byte[] decoded(String base64) {
    return Base64.getDecoder().decode(base64.replaceAll("\\s", "").getBytes(ISO_8859_1));
  }
}
