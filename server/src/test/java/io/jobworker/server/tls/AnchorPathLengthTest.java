package io.jobworker.server.tls;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertificateFactory;
import java.security.cert.PKIXParameters;
import java.security.cert.PKIXReason;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.Test;

class AnchorPathLengthTest {
  /** Whoever issues certificates, or has one. */
  private record Holder(X509Certificate certificate, KeyPair keys) {
    Holder issue(String name, BasicConstraints constraints) throws Exception {
      return of(name, certificate.getSubjectX500Principal().getName(), keys, constraints);
    }

    static Holder root(BasicConstraints constraints) throws Exception {
      return of("root", "CN=root", null, constraints);
    }

    private static Holder of(
        String name,
        String issuer,
        @org.jspecify.annotations.Nullable KeyPair issuersKeys,
        BasicConstraints constraints)
        throws Exception {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(new ECGenParameterSpec("secp256r1"));
      KeyPair own = generator.generateKeyPair();
      Instant now = Instant.now();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              new X500Name(issuer),
              BigInteger.TWO,
              Date.from(now.minus(Duration.ofHours(1))),
              Date.from(now.plus(Duration.ofHours(1))),
              new X500Name("CN=" + name),
              own.getPublic());
      builder.addExtension(Extension.basicConstraints, true, constraints);
      KeyPair signing = issuersKeys == null ? own : issuersKeys;
      return new Holder(
          new JcaX509CertificateConverter()
              .getCertificate(
                  builder.build(
                      new JcaContentSignerBuilder("SHA256withECDSA").build(signing.getPrivate()))),
          own);
    }
  }

  private static final BasicConstraints ANY_LENGTH = new BasicConstraints(true);
  private static final BasicConstraints NO_AUTHORITY = new BasicConstraints(false);

  private static void validate(Holder anchor, Holder... leafFirst) throws Exception {
    PKIXParameters parameters =
        new PKIXParameters(Set.of(new TrustAnchor(anchor.certificate(), null)));
    parameters.setRevocationEnabled(false);
    parameters.addCertPathChecker(new AnchorPathLength(List.of(anchor.certificate())));
    List<X509Certificate> path =
        java.util.Arrays.stream(leafFirst).map(Holder::certificate).toList();
    var _ =
        CertPathValidator.getInstance("PKIX")
            .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
  }

  @Test
  void anAuthorityBelowOneThatAllowsNoneIssuesNothing() throws Exception {
    Holder root = Holder.root(new BasicConstraints(0));
    Holder below = root.issue("below", ANY_LENGTH);
    Holder leaf = below.issue("alice", NO_AUTHORITY);
    CertPathValidatorException refused =
        catchThrowableOfType(CertPathValidatorException.class, () -> validate(root, leaf, below));
    assertThat(refused.getReason()).isEqualTo(PKIXReason.PATH_TOO_LONG);
  }

  @Test
  void whatItIssuesItselfHolds() throws Exception {
    Holder root = Holder.root(new BasicConstraints(0));
    Holder leaf = root.issue("alice", NO_AUTHORITY);
    assertThatCode(() -> validate(root, leaf)).doesNotThrowAnyException();
  }

  @Test
  void asManyAsItAllowsMayBeBelowIt() throws Exception {
    Holder root = Holder.root(new BasicConstraints(1));
    Holder below = root.issue("below", ANY_LENGTH);
    Holder leaf = below.issue("alice", NO_AUTHORITY);
    assertThatCode(() -> validate(root, leaf, below)).doesNotThrowAnyException();
    Holder further = below.issue("further", ANY_LENGTH);
    Holder other = further.issue("bob", NO_AUTHORITY);
    CertPathValidatorException refused =
        catchThrowableOfType(
            CertPathValidatorException.class, () -> validate(root, other, further, below));
    assertThat(refused.getReason()).isEqualTo(PKIXReason.PATH_TOO_LONG);
  }

  @Test
  void oneThatSaysNothingOfItAllowsAnyNumber() throws Exception {
    Holder root = Holder.root(ANY_LENGTH);
    Holder below = root.issue("below", ANY_LENGTH);
    Holder further = below.issue("further", ANY_LENGTH);
    Holder leaf = further.issue("alice", NO_AUTHORITY);
    assertThatCode(() -> validate(root, leaf, further, below)).doesNotThrowAnyException();
  }
}
