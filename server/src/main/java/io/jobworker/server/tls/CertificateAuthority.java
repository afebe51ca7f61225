package io.jobworker.server.tls;

import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.CRLReason;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x509.SubjectPublicKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v2CRLBuilder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.PKCS8Generator;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Issues certificates. Keys are ECDSA; every certificate names what it is for. */
public final class CertificateAuthority {
  // P-384, because a client's JVM spends 60 ms on its first P-256 operation (docs/adr/0005).
  private static final ECGenParameterSpec CURVE = new ECGenParameterSpec("secp384r1");
  private static final String SIGNATURE = "SHA384withECDSA";
  private static final Duration CA_LIFE = Duration.ofDays(3650);
  private static final Duration LEAF_LIFE = Duration.ofDays(365);
  private static final Duration CLOCK_SKEW = Duration.ofMinutes(5);

  private final X509Certificate certificate;
  private final PrivateKey key;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  private CertificateAuthority(X509Certificate certificate, PrivateKey key, Clock clock) {
    this.certificate = certificate;
    this.key = key;
    this.clock = clock;
  }

  /** A certificate with its private key, in PEM. */
  public record Issued(String certificatePem, String keyPem) {}

  /** A new authority. */
  public static CertificateAuthority create(String commonName, Clock clock) {
    try {
      KeyPair pair = newKey();
      X500Name name = name(commonName);
      Instant now = clock.instant();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              name,
              serial(new SecureRandom()),
              Date.from(now.minus(CLOCK_SKEW)),
              Date.from(now.plus(CA_LIFE)),
              name,
              pair.getPublic());
      JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(0));
      builder.addExtension(
          Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign | KeyUsage.cRLSign));
      builder.addExtension(
          Extension.subjectKeyIdentifier,
          false,
          extensions.createSubjectKeyIdentifier(pair.getPublic()));
      return new CertificateAuthority(sign(builder, pair.getPrivate()), pair.getPrivate(), clock);
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw new IllegalStateException("cannot make a certificate authority", e);
    }
  }

  /** The authority whose certificate and key are kept in {@code directory}. */
  public static CertificateAuthority load(ServerDirectory directory, Clock clock) {
    try {
      return new CertificateAuthority(
          new JcaX509CertificateConverter()
              .getCertificate(readPem(directory.caCertificate(), X509CertificateHolder.class)),
          new JcaPEMKeyConverter().getPrivateKey(readPem(directory.caKey(), PrivateKeyInfo.class)),
          clock);
    } catch (IOException | GeneralSecurityException e) {
      throw new ConfigException(
          "cannot read the certificate authority in " + directory.path() + ": " + e.getMessage());
    }
  }

  private static <T> T readPem(Path file, Class<T> type) throws IOException {
    try (PEMParser parser =
        new PEMParser(Files.newBufferedReader(file, StandardCharsets.US_ASCII))) {
      Object found = parser.readObject();
      if (!type.isInstance(found)) {
        throw new IOException(file + " does not hold what it should in PEM");
      }
      return type.cast(found);
    }
  }

  public String certificatePem() {
    return pem(certificate);
  }

  public String keyPem() {
    return pem(key, certificate.getPublicKey());
  }

  /** A certificate for a server that is reached by the given DNS names and addresses. */
  public Issued issueServer(List<String> hosts) {
    List<GeneralName> names = new ArrayList<>();
    for (String host : hosts) {
      names.add(
          new GeneralName(isAddress(host) ? GeneralName.iPAddress : GeneralName.dNSName, host));
    }
    return issue(
        name("job-worker-server"),
        KeyPurposeId.id_kp_serverAuth,
        new GeneralNames(names.toArray(GeneralName[]::new)),
        LEAF_LIFE);
  }

  /** A certificate for a client with the given common name. */
  public Issued issueClient(String commonName) {
    return issue(name(commonName), KeyPurposeId.id_kp_clientAuth, null, LEAF_LIFE);
  }

  /** A list of those of this authority's certificates that hold no more. */
  public String revocationListPem(List<BigInteger> serials, Duration life) {
    try {
      Instant now = clock.instant();
      JcaX509v2CRLBuilder builder =
          new JcaX509v2CRLBuilder(certificate, Date.from(now.minus(CLOCK_SKEW)));
      builder.setNextUpdate(Date.from(now.plus(life)));
      for (BigInteger serial : serials) {
        builder.addCRLEntry(serial, Date.from(now), CRLReason.unspecified);
      }
      return pem(builder.build(new JcaContentSignerBuilder(SIGNATURE).build(key)));
    } catch (OperatorCreationException e) {
      throw new IllegalStateException("cannot issue a revocation list", e);
    }
  }

  private Issued issue(
      X500Name subject,
      KeyPurposeId purpose,
      @org.jspecify.annotations.Nullable GeneralNames alternativeNames,
      Duration life) {
    try {
      KeyPair pair = newKey();
      Instant now = clock.instant();
      JcaX509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
              certificate,
              serial(random),
              Date.from(now.minus(CLOCK_SKEW)),
              Date.from(now.plus(life)),
              subject,
              pair.getPublic());
      JcaX509ExtensionUtils extensions = new JcaX509ExtensionUtils();
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(false));
      builder.addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature));
      builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose));
      builder.addExtension(
          Extension.subjectKeyIdentifier,
          false,
          extensions.createSubjectKeyIdentifier(pair.getPublic()));
      builder.addExtension(
          Extension.authorityKeyIdentifier,
          false,
          extensions.createAuthorityKeyIdentifier(certificate));
      if (alternativeNames != null) {
        builder.addExtension(Extension.subjectAlternativeName, false, alternativeNames);
      }
      return new Issued(pem(sign(builder, key)), pem(pair.getPrivate(), pair.getPublic()));
    } catch (GeneralSecurityException | IOException | OperatorCreationException e) {
      throw new IllegalStateException("cannot issue a certificate", e);
    }
  }

  private static X509Certificate sign(JcaX509v3CertificateBuilder builder, PrivateKey key)
      throws GeneralSecurityException, OperatorCreationException {
    return new JcaX509CertificateConverter()
        .getCertificate(builder.build(new JcaContentSignerBuilder(SIGNATURE).build(key)));
  }

  private static KeyPair newKey() throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(CURVE);
    return generator.generateKeyPair();
  }

  private static X500Name name(String commonName) {
    return new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN, commonName).build();
  }

  /** RFC 5280, 4.1.2.2: positive, at most 20 octets. */
  private static BigInteger serial(SecureRandom random) {
    return new BigInteger(127, random).add(BigInteger.ONE);
  }

  private static boolean isAddress(String host) {
    try {
      return InetAddress.ofLiteral(host) != null;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /**
   * As openssl writes it, with the public key in it. RFC 5915, 3, recommends that and the JDK
   * leaves it out; readers that do not compute it, as those of Rust, then refuse the key.
   */
  private static String pem(PrivateKey key, PublicKey publicKey) {
    SubjectPublicKeyInfo known = SubjectPublicKeyInfo.getInstance(publicKey.getEncoded());
    ECPrivateKey scalarAndPoint =
        new ECPrivateKey(
            ((ECPublicKey) publicKey).getParams().getOrder().bitLength(),
            ((java.security.interfaces.ECPrivateKey) key).getS(),
            known.getPublicKeyData(),
            null); // the curve stands beside it
    try {
      return pem(
          new PKCS8Generator(new PrivateKeyInfo(known.getAlgorithm(), scalarAndPoint), null));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // into memory
    }
  }

  private static String pem(Object object) {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // into memory
    }
    return text.toString();
  }
}
