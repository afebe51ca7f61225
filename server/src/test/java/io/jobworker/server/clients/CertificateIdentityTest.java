package io.jobworker.server.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Date;
import java.util.Optional;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;

/** Whom a certificate stands for. */
class CertificateIdentityTest {
  private static X509Certificate certificate(String subject, String uri) throws Exception {
    KeyPair keys = KeyPairGenerator.getInstance("EC").generateKeyPair();
    // bouncycastle refuses the names that are to be refused here
    X500Name name = X500Name.getInstance(new X500Principal(subject).getEncoded());
    Instant now = Instant.now();
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            name,
            BigInteger.ONE,
            Date.from(now),
            Date.from(now.plus(1, ChronoUnit.DAYS)),
            name,
            keys.getPublic());
    if (!uri.isEmpty()) {
      builder.addExtension(
          Extension.subjectAlternativeName,
          false,
          new GeneralNames(new GeneralName(GeneralName.uniformResourceIdentifier, uri)));
    }
    byte[] encoded =
        builder
            .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
            .getEncoded();
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(encoded));
  }

  private static CertificateIdentity.Found commonName(String subject) throws Exception {
    return CertificateIdentity.COMMON_NAME.of(certificate(subject, ""));
  }

  @Test
  void itIsTheOneCommonName() throws Exception {
    assertThat(commonName("O=x,CN=alice").name()).contains("alice");
  }

  @Test
  void noneAndABlankOneAreRefused() throws Exception {
    assertThat(commonName("O=alice").problem()).isEqualTo("cn_missing");
    assertThat(commonName("CN=\\ ").problem()).isEqualTo("cn_missing");
  }

  @Test
  void twoAreRefusedWhereverTheyStand() throws Exception {
    assertThat(commonName("CN=alice,CN=bob").problem()).isEqualTo("cn_ambiguous");
    assertThat(commonName("CN=alice+CN=bob").problem()).isEqualTo("cn_ambiguous");
  }

  @Test
  void anOverLongOneIsRefused() throws Exception {
    assertThat(commonName("CN=" + "a".repeat(65)).problem()).isEqualTo("cn_too_long");
  }

  /** As SPIFFE writes it: the URI among the alternative names, and nothing of the subject. */
  private static final class SpiffeId implements CertificateIdentity {
    @Override
    public Found of(X509Certificate certificate) {
      try {
        var names = certificate.getSubjectAlternativeNames();
        Optional<String> id =
            names == null
                ? Optional.empty()
                : names.stream()
                    .filter(name -> name.getFirst().equals(GeneralName.uniformResourceIdentifier))
                    .map(name -> String.valueOf(name.getLast()))
                    .filter(uri -> uri.startsWith("spiffe://"))
                    .findFirst();
        return new Found(id, id.isPresent() ? "" : "spiffe_id_missing");
      } catch (CertificateParsingException e) {
        return new Found(Optional.empty(), "spiffe_id_unreadable");
      }
    }
  }

  @Test
  void anotherWayToNameAClientIsOneSmallClass() throws Exception {
    X509Certificate certificate = certificate("O=x", "spiffe://example.org/job/alice");
    assertThat(new SpiffeId().of(certificate).name()).contains("spiffe://example.org/job/alice");
    assertThat(new SpiffeId().of(certificate("CN=alice", "")).name()).isEmpty();
  }
}
