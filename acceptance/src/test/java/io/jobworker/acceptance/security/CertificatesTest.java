package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.Status;
import io.jobworker.acceptance.support.Certificates;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import java.math.BigInteger;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Certificates, the trust in them and its end: all while the server runs. */
@Order(1)
@Timeout(600)
class CertificatesTest {
  private ServerProcess server;

  @BeforeEach
  void start() {
    server = ServerProcess.start();
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

  @Test
  void aRenewedCertificateIsShownFromThenOnAndOpenStreamsGoOn() throws Exception {
    BigInteger before = server.certificates().shown().getSerialNumber();
    Gate gate = new Gate();
    String id = server.as("alice").start("--shell", "echo one; " + gate.waiting() + "; echo two");
    Process follower = server.as("alice").spawn("logs", id);
    CompletableFuture<byte[]> output = Programs.readAll(follower.getInputStream());
    server.log().event("logs.opened", id);
    server.admin("certs", "renew").succeeded();
    server.log().anyEvent("tls.reloaded");
    assertThat(server.certificates().shown().getSerialNumber()).isNotEqualTo(before);
    assertThat(server.as("alice").run("status", id).exitCode()).isZero();
    gate.open();
    assertThat(new String(output.join(), StandardCharsets.US_ASCII)).isEqualTo("one\ntwo\n");
    assertThat(server.log().events("logs.opened")).hasSize(1); // the follower did not come back
    gate.close();
  }

  @Test
  void aBrokenFileKeepsTheOldOneAndIsLogged() throws Exception {
    BigInteger before = server.certificates().shown().getSerialNumber();
    Files.writeString(file("server.crt"), "nonsense");
    assertThat(server.log().anyEvent("tls.reload_failed").path("reason").asString())
        .contains("server.crt holds no certificate");
    assertThat(server.certificates().shown().getSerialNumber()).isEqualTo(before);
    Files.writeString(
        file("server.crt"),
        authority(Clock.systemUTC()).issueServer(List.of("localhost")).certificatePem());
    assertThat(
            server
                .log()
                .event(
                    "tls.reload_failed",
                    "reason",
                    "the key in "
                        + file("server.key")
                        + " is not that of the certificate in "
                        + file("server.crt")))
        .isNotNull();
    assertThat(server.certificates().shown().getSerialNumber()).isEqualTo(before);
  }

  @Test
  void anAuthorityThatIsAddedToTheTrustLetsItsClientsInAndOneThatIsTakenOutNoMore()
      throws Exception {
    CertificateAuthority other = CertificateAuthority.create("another CA", Clock.systemUTC());
    CertificateAuthority.Issued alice = other.issueClient("alice");
    IdentityTest.assertRefused(call(alice));
    String ours = Files.readString(file("ca.crt"));
    Files.writeString(file("ca.crt"), ours + other.certificatePem());
    server.log().anyEvent("tls.reloaded");
    assertThat(call(alice).getCode()).isEqualTo(Status.Code.NOT_FOUND);
    String id = server.as("alice").start("sleep 1000");
    Files.writeString(file("ca.crt"), other.certificatePem());
    server.log().awaitEvents("tls.reloaded", 2);
    assertThat(server.as("alice").run("status", id).exitCode()).isEqualTo(125);
    Files.writeString(file("ca.crt"), ours);
    server.log().awaitEvents("tls.reloaded", 3);
  }

  private Status call(CertificateAuthority.Issued issued) throws InterruptedException {
    return IdentityTest.call(
        server.certificates().channel(issued.certificatePem(), issued.keyPem()));
  }

  @Test
  void aRevokedCertificateLosesItsStreamsAndIsRefused() throws Exception {
    server.kill();
    CertificateAuthority ca = authority(Clock.systemUTC());
    server.configure(ServerToml.shipped().with("tls.crl", "ca.crl"));
    Files.writeString(file("ca.crl"), ca.revocationListPem(List.of(), Duration.ofDays(30)));
    server.restart();
    String id = server.as("alice").start("sleep 1000");
    Process follower = server.as("alice").spawn("logs", id);
    server.log().event("logs.opened", id);
    BigInteger serial =
        Certificates.parsed(server.certificates().pem("alice", "cert")).getSerialNumber();
    Files.writeString(file("ca.crl"), ca.revocationListPem(List.of(serial), Duration.ofDays(30)));
    assertThat(server.log().event("logs.closed", id).path("outcome").asString())
        .isEqualTo("cancelled");
    follower.destroy(); // it would look for the server for a while
    Result refused = server.as("alice").run("status", id);
    assertThat(refused.exitCode()).isEqualTo(125);
    assertThat(refused.err()).contains("your certificate (CN alice").contains("was revoked; ask");
    assertThat(server.as("bob").run("status", id).exitCode()).isEqualTo(1);
    assertThat(
            server
                .log()
                .event("handshake.refused", "reason", "certificate_revoked")
                .path("serial")
                .asString())
        .isEqualTo(serial.toString(16));
    Files.writeString(file("ca.crl"), ca.revocationListPem(List.of(), Duration.ofDays(30)));
    server.log().awaitEvents("tls.reloaded", 2);
    assertThat(server.as("alice").run("status", id).exitCode()).isZero();
  }

  @Test
  void aCertificateThatEndsSoonIsWarnedOfInTheLogAndByCheck() throws Exception {
    assertThat(server.log().events("tls.expires_soon")).isEmpty();
    Clock then = Clock.offset(Clock.systemUTC(), Duration.ofDays(-340));
    CertificateAuthority.Issued old = authority(then).issueServer(List.of("localhost"));
    Files.writeString(file("server.key"), old.keyPem());
    Files.writeString(file("server.crt"), old.certificatePem());
    assertThat(server.log().anyEvent("tls.expires_soon").path("days").asInt()).isBetween(23, 25);
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
    Result refused = server.as("alice").run("start", "true");
    assertThat(refused.exitCode()).isEqualTo(125);
    assertThat(refused.err())
        .startsWith(
            "job-worker: the server's certificate is for elsewhere.example, not 127.0.0.1; ");
  }

  @Test
  void whenCertificatesEndIsAmongTheMetrics() throws Exception {
    int port = ServerProcess.freePort();
    server.kill();
    server.configure(ServerToml.shipped().with("metrics.listen", "127.0.0.1:" + port));
    server.restart();
    try (HttpClient http = HttpClient.newHttpClient()) {
      for (String path : List.of("/", "/metricsx", "/metrics/x", "/favicon.ico")) {
        URI other = URI.create("http://127.0.0.1:" + port + path);
        assertThat(
                http.send(
                        HttpRequest.newBuilder(other).build(), HttpResponse.BodyHandlers.ofString())
                    .statusCode())
            .as(path)
            .isEqualTo(404);
      }
      server.log().anyEvent("server.listening");
      String metrics =
          http.send(
                  HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/metrics"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString())
              .body();
      long ends = server.certificates().shown().getNotAfter().toInstant().getEpochSecond();
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
    String before = server.certificates().pem("alice", "cert");
    server.admin("certs", "renew", "--client", "alice").succeeded();
    assertThat(server.certificates().pem("alice", "cert")).isNotEqualTo(before);
    server.as("alice").start("true");
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
