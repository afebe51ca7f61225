package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.Status;
import io.jobworker.acceptance.RunningServer;
import io.jobworker.acceptance.RunningServer.Result;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Certificates, the trust in them and its end: all while the server runs. */
@Timeout(180)
class CertificatesTest {
  private RunningServer server;

  @BeforeEach
  void start() {
    server = RunningServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private CertificateAuthority authority(Clock clock) {
    return CertificateAuthority.load(new ServerDirectory(server.directory()), clock);
  }

  private Path file(String name) {
    return server.directory().resolve(name);
  }

  private static X509Certificate parsed(String pem) throws CertificateException {
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)));
  }

  @Test
  void aRenewedCertificateIsShownFromThenOnAndOpenStreamsGoOn() throws Exception {
    BigInteger before = server.shownCertificate().getSerialNumber();
    String id = server.startJob("alice", "--shell", "echo one; sleep 8; echo two");
    Process follower = server.spawnCli("alice", "logs", id);
    CompletableFuture<byte[]> output = RunningServer.readAll(follower.getInputStream());
    server.event("logs.opened", id);
    server.admin("certs", "renew").succeeded();
    server.anyEvent("tls.reloaded");
    assertThat(server.shownCertificate().getSerialNumber()).isNotEqualTo(before);
    assertThat(server.cli("alice", "status", id).exitCode()).isZero();
    assertThat(new String(output.join(), StandardCharsets.US_ASCII)).isEqualTo("one\ntwo\n");
    assertThat(server.events("logs.opened")).hasSize(1); // the follower did not come back
  }

  @Test
  void aBrokenFileKeepsTheOldOneAndIsLogged() throws Exception {
    BigInteger before = server.shownCertificate().getSerialNumber();
    Files.writeString(file("server.crt"), "nonsense");
    assertThat(server.anyEvent("tls.reload_failed").path("reason").asString())
        .contains("server.crt holds no certificate");
    assertThat(server.shownCertificate().getSerialNumber()).isEqualTo(before);
    Files.writeString(
        file("server.crt"),
        authority(Clock.systemUTC()).issueServer(List.of("localhost")).certificatePem());
    assertThat(
            server.event(
                "tls.reload_failed",
                "reason",
                "the key in "
                    + file("server.key")
                    + " is not that of the certificate in "
                    + file("server.crt")))
        .isNotNull();
    assertThat(server.shownCertificate().getSerialNumber()).isEqualTo(before);
  }

  @Test
  void anAuthorityThatIsAddedToTheTrustLetsItsClientsInAndOneThatIsTakenOutNoMore()
      throws Exception {
    CertificateAuthority other = CertificateAuthority.create("another CA", Clock.systemUTC());
    CertificateAuthority.Issued alice = other.issueClient("alice");
    assertThat(call(alice)).isEqualTo(Status.Code.UNAVAILABLE);
    String ours = Files.readString(file("ca.crt"));
    Files.writeString(file("ca.crt"), ours + other.certificatePem());
    server.anyEvent("tls.reloaded");
    assertThat(call(alice)).isEqualTo(Status.Code.NOT_FOUND);
    String id = server.startJob("alice", "sleep 1000");
    Files.writeString(file("ca.crt"), other.certificatePem());
    await().atMost(RunningServer.PATIENCE).until(() -> server.events("tls.reloaded").size() == 2);
    assertThat(server.cli("alice", "status", id).exitCode()).isEqualTo(125);
    Files.writeString(file("ca.crt"), ours);
    await().atMost(RunningServer.PATIENCE).until(() -> server.events("tls.reloaded").size() == 3);
  }

  private Status.Code call(CertificateAuthority.Issued issued) throws InterruptedException {
    return IdentityTest.call(server.channel(issued.certificatePem(), issued.keyPem())).getCode();
  }

  @Test
  void aRevokedCertificateLosesItsStreamsAndIsRefused() throws Exception {
    server.kill();
    CertificateAuthority ca = authority(Clock.systemUTC());
    Path toml = file("server.toml");
    Files.writeString(toml, Files.readString(toml).replace("crl = \"\"", "crl = \"ca.crl\""));
    Files.writeString(file("ca.crl"), ca.revocationListPem(List.of(), Duration.ofDays(30)));
    server.restart();
    String id = server.startJob("alice", "sleep 1000");
    Process follower = server.spawnCli("alice", "logs", id);
    server.event("logs.opened", id);
    BigInteger serial = parsed(server.pem("alice", "cert")).getSerialNumber();
    Files.writeString(file("ca.crl"), ca.revocationListPem(List.of(serial), Duration.ofDays(30)));
    assertThat(server.event("logs.closed", id).path("outcome").asString()).isEqualTo("cancelled");
    follower.destroy(); // it would look for the server for a while
    assertThat(server.cli("alice", "status", id).exitCode()).isEqualTo(125);
    assertThat(server.cli("bob", "status", id).exitCode()).isEqualTo(1);
    assertThat(
            server
                .event("handshake.refused", "reason", "certificate_revoked")
                .path("serial")
                .asString())
        .isEqualTo(serial.toString(16));
    Files.writeString(file("ca.crl"), ca.revocationListPem(List.of(), Duration.ofDays(30)));
    await().atMost(RunningServer.PATIENCE).until(() -> server.events("tls.reloaded").size() == 2);
    assertThat(server.cli("alice", "status", id).exitCode()).isZero();
  }

  @Test
  void aCertificateThatEndsSoonIsWarnedOfInTheLogAndByCheck() throws Exception {
    assertThat(server.events("tls.expires_soon")).isEmpty();
    Clock then = Clock.offset(Clock.systemUTC(), Duration.ofDays(-340));
    CertificateAuthority.Issued old = authority(then).issueServer(List.of("localhost"));
    Files.writeString(file("server.key"), old.keyPem());
    Files.writeString(file("server.crt"), old.certificatePem());
    assertThat(server.anyEvent("tls.expires_soon").path("days").asInt()).isBetween(23, 25);
    Result check = server.admin("check").succeeded();
    assertThat(check.text()).containsPattern("expires +certificate +CN=job-worker-server");
    server.admin("certs", "renew").succeeded();
    assertThat(server.admin("check").succeeded().text()).doesNotContain("expires ");
  }

  @Test
  void aServerWhoseCertificateIsForAnotherHostIsNotTrusted() throws Exception {
    CertificateAuthority.Issued other =
        authority(Clock.systemUTC()).issueServer(List.of("elsewhere.example"));
    server.kill();
    Files.writeString(file("server.key"), other.keyPem());
    Files.writeString(file("server.crt"), other.certificatePem());
    server.restart();
    Result refused = server.cli("alice", "start", "true");
    assertThat(refused.exitCode()).isEqualTo(125);
    assertThat(refused.err()).startsWith("job-worker: TLS failed: ");
  }

  @Test
  void whenCertificatesEndIsAmongTheMetrics() throws Exception {
    int port = RunningServer.freePort();
    server.kill();
    Path toml = file("server.toml");
    String metricsAt = "[metrics]\nlisten = \"";
    Files.writeString(
        toml, Files.readString(toml).replace(metricsAt, metricsAt + "127.0.0.1:" + port));
    server.restart();
    try (HttpClient http = HttpClient.newHttpClient()) {
      String metrics =
          http.send(
                  HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString())
              .body();
      long ends = server.shownCertificate().getNotAfter().toInstant().getEpochSecond();
      String line =
          metrics
              .lines()
              .filter(one -> one.startsWith("job_worker_certificate_expiry_timestamp_seconds{"))
              .filter(one -> one.contains("CN=job-worker-server"))
              .findFirst()
              .orElseThrow();
      assertThat((long) Double.parseDouble(line.substring(line.lastIndexOf(' ')))).isEqualTo(ends);
      assertThat(metrics).contains("job_worker_audit_events_total{event=\"server.listening\"");
    }
  }

  @Test
  void aRenewedClientIsLetInWithItsNewCertificate() throws Exception {
    String before = server.pem("alice", "cert");
    server.admin("certs", "renew", "--client", "alice").succeeded();
    assertThat(server.pem("alice", "cert")).isNotEqualTo(before);
    server.startJob("alice", "true");
    assertThat(server.admin("certs", "renew", "--client", "nobody").err())
        .contains("there is no client named 'nobody'");
  }

  @Test
  void aKeyThatOthersCanReadIsRefusedWithWhatToDo() throws Exception {
    server.kill();
    for (String key : List.of("server.key", "ca.key", "clients.db")) {
      Files.setPosixFilePermissions(file(key), PosixFilePermissions.fromString("rw-r--r--"));
      Result refused = server.refusal();
      assertThat(refused.exitCode()).isEqualTo(1);
      assertThat(refused.err().strip())
          .isEqualTo(
              "job-worker-server: "
                  + file(key)
                  + " is open to other users; run: chmod 600 "
                  + file(key));
      Files.setPosixFilePermissions(file(key), PosixFilePermissions.fromString("rw-------"));
    }
    Files.setPosixFilePermissions(file("state"), PosixFilePermissions.fromString("rwxr-xr-x"));
    assertThat(server.refusal().err()).contains("run: chmod 700 " + file("state"));
    Files.setPosixFilePermissions(file("state"), PosixFilePermissions.fromString("rwx------"));
    server.restart();
  }
}
