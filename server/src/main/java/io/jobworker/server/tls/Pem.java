package io.jobworker.server.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.jobworker.server.config.ConfigException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CRL;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;

/** What files in PEM hold; what does not do is a {@link ConfigException} that names the file. */
final class Pem {
  private Pem() {}

  /** Whatever stands between them, as the text that openssl writes above each, is passed over. */
  static List<X509Certificate> certificates(Path file, String text) {
    List<X509Certificate> found = new ArrayList<>();
    try (PEMParser parser = new PEMParser(new StringReader(text))) {
      JcaX509CertificateConverter converter = new JcaX509CertificateConverter();
      for (Object one; (one = parser.readObject()) != null; ) {
        if (one instanceof X509CertificateHolder certificate) {
          found.add(converter.getCertificate(certificate));
        }
      }
    } catch (IOException | CertificateException e) {
      found.clear();
    }
    if (found.isEmpty()) {
      throw new ConfigException(file + " holds no certificate in PEM");
    }
    return List.copyOf(found);
  }

  static Collection<? extends CRL> revoked(Path file, String text) {
    try {
      Collection<? extends CRL> found =
          CertificateFactory.getInstance("X.509")
              .generateCRLs(new ByteArrayInputStream(text.getBytes(ISO_8859_1)));
      if (!found.isEmpty()) {
        return found;
      }
    } catch (GeneralSecurityException e) {
      // said below
    }
    throw new ConfigException(file + " holds no certificate revocation list");
  }

  static PrivateKey key(Path file, String text) {
    try (PEMParser parser = new PEMParser(new StringReader(text))) {
      JcaPEMKeyConverter converter = new JcaPEMKeyConverter();
      for (Object found; (found = parser.readObject()) != null; ) {
        switch (found) {
          case PrivateKeyInfo info -> {
            return converter.getPrivateKey(info);
          }
          case PEMKeyPair pair -> {
            return converter.getPrivateKey(pair.getPrivateKeyInfo());
          }
          default -> {} // parameters of the curve, which openssl writes before the key
        }
      }
    } catch (IOException e) {
      // said below
    }
    throw new ConfigException(file + " holds no unencrypted private key in PEM");
  }
}
