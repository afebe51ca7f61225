package io.jobworker.cli.connect;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys and certificates in all the forms in which openssl writes them. */
class PemTest {
  private static final Path OPENSSL = Path.of("/usr/bin/openssl");
  private static final List<List<String>> KINDS =
      List.of(
          List.of("ec", "-pkeyopt", "ec_paramgen_curve:P-384"),
          List.of("ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
          List.of("rsa:2048"));

  @TempDir private Path directory = Path.of("");

  @BeforeEach
  void findOpenssl() {
    assumeTrue(Files.isExecutable(OPENSSL), "there is no openssl");
  }

  private void openssl(String... words) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(OPENSSL.toString()));
    command.addAll(List.of(words));
    Process process =
        new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String text = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
  }

  private void make(List<String> kind) throws Exception {
    List<String> words = new ArrayList<>(List.of("req", "-x509", "-nodes", "-subj", "/CN=alice"));
    words.addAll(List.of("-keyout", "key.pem", "-out", "cert.pem", "-newkey"));
    words.addAll(kind);
    openssl(words.toArray(String[]::new));
  }

  private Pem read(String file) {
    return ClientConfig.readPem(directory.resolve(file));
  }

  @Test
  void aKeyIsReadInItsOldFormToo() throws Exception {
    for (List<String> kind : KINDS) {
      make(kind);
      openssl("pkey", "-in", "key.pem", "-traditional", "-out", "old.pem");
      assertThat(read("old.pem").text()).containsPattern("BEGIN (EC|RSA) PRIVATE KEY");
      Identity old = Identity.of(read("cert.pem"), read("old.pem"));
      assertThat(old.fault(Instant.now())).isEmpty(); // it signs for its certificate
    }
  }

  @Test
  void parametersOfTheCurveMayStandBeforeTheKey() throws Exception {
    make(KINDS.getFirst());
    openssl("ecparam", "-name", "secp384r1", "-genkey", "-out", "old.pem");
    assertThat(read("old.pem").text()).contains("BEGIN EC PARAMETERS");
    assertThat(Identity.of(read("cert.pem"), read("old.pem")).fault(Instant.now()))
        .hasValueSatisfying(fault -> assertThat(fault).contains("is not that of the certificate"));
  }

  @Test
  void textAroundCertificatesIsPassedOver() throws Exception {
    make(KINDS.getFirst());
    openssl("x509", "-in", "cert.pem", "-text", "-out", "text.pem");
    String friendly = "Bag Attributes\n    friendlyName: -größe- my-cert\n";
    Files.write(
        directory.resolve("bag.pem"), (friendly + read("text.pem").text()).getBytes(ISO_8859_1));
    assertThat(read("bag.pem").certificates()).isEqualTo(read("cert.pem").certificates());
  }

  @Test
  void aKeyThatIsEncryptedIsRefusedWithWhatToDo() throws Exception {
    make(KINDS.getFirst());
    openssl("pkcs8", "-topk8", "-in", "key.pem", "-passout", "pass:x", "-out", "new.pem");
    openssl("ec", "-in", "key.pem", "-aes256", "-passout", "pass:x", "-out", "old.pem");
    for (String file : List.of("new.pem", "old.pem")) {
      assertThatThrownBy(() -> Identity.of(read("cert.pem"), read(file)))
          .isInstanceOf(UsageException.class)
          .hasMessageContaining(file + " is encrypted; decrypt it with: openssl pkcs8");
    }
  }

  @Test
  void aKeyOfAnotherKindIsRefusedWithWhatToDo() throws Exception {
    make(KINDS.getLast());
    Files.copy(directory.resolve("key.pem"), directory.resolve("rsa.pem"));
    make(KINDS.getFirst());
    assertThatThrownBy(() -> Identity.of(read("cert.pem"), read("rsa.pem")))
        .hasMessageContaining("openssl pkcs8 -topk8");
    assertThatThrownBy(() -> Identity.of(read("cert.pem"), read("cert.pem")))
        .hasMessageContaining("holds no private key");
  }
}
