package io.jobworker.server.tls;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is issued is read by another's eyes, those of openssl. */
class CertificateAuthorityTest {
  @TempDir private Path directory = Path.of("");
  private final CertificateAuthority authority =
      CertificateAuthority.create("a CA", Clock.systemUTC());

  @BeforeEach
  void findOpenssl() {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/openssl")), "there is no openssl");
  }

  private String openssl(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("/usr/bin/openssl"));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
    return text;
  }

  private Path file(String name, String text) throws IOException {
    return Files.writeString(directory.resolve(name), text);
  }

  /**
   * The offset of the key within PKCS#8: RFC 5958's privateKey, an octet string in the sequence.
   */
  private String keyWithin(Path pkcs8) throws Exception {
    Matcher octets =
        Pattern.compile("(?m)^ *(\\d+):d=1 .*prim: OCTET STRING")
            .matcher(openssl("asn1parse", "-in", pkcs8.toString()));
    assertThat(octets.find()).isTrue();
    return openssl("asn1parse", "-in", pkcs8.toString(), "-strparse", octets.group(1));
  }

  @Test
  void aKeyHoldsItsPublicKeyAsRustAsksForIt() throws Exception {
    for (String pem : List.of(authority.issueClient("alice").keyPem(), authority.keyPem())) {
      Path key = file("key.pem", pem);
      // RFC 5915, 3: ECPrivateKey with publicKey [1], and without the curve, which stands beside it
      assertThat(keyWithin(key)).contains("cont [ 1 ]").doesNotContain("cont [ 0 ]");
      assertThat(openssl("pkey", "-in", key.toString(), "-check", "-noout")).contains("is valid");
    }
  }

  @Test
  void aKeyIsByteForByteWhatOpensslWrites() throws Exception {
    String pem = authority.issueClient("alice").keyPem();
    Path key = file("key.pem", pem);
    assertThat(openssl("pkey", "-in", key.toString()).lines())
        .containsExactlyElementsOf(pem.lines().toList());
  }

  @Test
  void theKeyIsThatOfItsCertificate() throws Exception {
    CertificateAuthority.Issued alice = authority.issueClient("alice");
    String ofKey = openssl("pkey", "-in", file("key.pem", alice.keyPem()).toString(), "-pubout");
    String ofCertificate =
        openssl(
            "x509",
            "-in",
            file("cert.pem", alice.certificatePem()).toString(),
            "-noout",
            "-pubkey");
    assertThat(ofKey).isEqualTo(ofCertificate);
  }

  @Test
  void certificatesWithTextAroundThemAreRead() throws Exception {
    Path plain = file("cert.pem", authority.issueClient("alice").certificatePem());
    String withText = openssl("x509", "-in", plain.toString(), "-text");
    String friendly = "Bag Attributes\n    friendlyName: -größe- my-cert\n" + withText;
    assertThat(Pem.certificates(plain, friendly + withText)).hasSize(2);
  }
}
