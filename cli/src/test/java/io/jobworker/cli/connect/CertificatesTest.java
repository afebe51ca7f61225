package io.jobworker.cli.connect;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CertificatesTest {
  @TempDir private static Path directory;
  private static X509Certificate certificate;

  @BeforeAll
  static void make() throws Exception {
    Path store = directory.resolve("store.p12");
    Path keytool = Path.of(System.getProperty("java.home"), "bin", "keytool");
    Process process =
        new ProcessBuilder(
                keytool.toString(),
                "-genkeypair",
                "-keyalg",
                "EC",
                "-alias",
                "a",
                "-dname",
                "CN=only.in.the.cn, O=x",
                "-ext",
                "san=dns:build1,dns:*.example.org,dns:10.0.0.9,ip:10.0.0.7,ip:2001:db8::7",
                "-storepass",
                "password",
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(said).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(new ByteArrayInputStream(Files.readAllBytes(store)), "password".toCharArray());
    certificate =
        (X509Certificate)
            CertificateFactory.getInstance("X.509")
                .generateCertificate(
                    new ByteArrayInputStream(keys.getCertificate("a").getEncoded()));
  }

  @ParameterizedTest
  @CsvSource({
    "build1, true",
    "BUILD1, true",
    "build1.example.org, true",
    "a.b.example.org, false",
    "example.org, false",
    ".example.org, false",
    "*.example.org, true",
    "10.0.0.7, true",
    "10.0.0.9, false",
    "2001:db8:0::7, true",
    "2001:db8::8, false",
    "build2, false",
    "only.in.the.cn, false",
  })
  void aServerIsWhoItsCertificateSays(String host, boolean is) {
    assertThat(Certificates.isFor(certificate, host)).isEqualTo(is);
  }

  @Test
  void allItsNamesAreTold() {
    assertThat(Certificates.hosts(certificate))
        .containsExactly("build1", "*.example.org", "10.0.0.9", "10.0.0.7", "2001:db8:0:0:0:0:0:7");
    assertThat(Certificates.commonName(certificate.getSubjectX500Principal()))
        .contains("only.in.the.cn");
  }
}
