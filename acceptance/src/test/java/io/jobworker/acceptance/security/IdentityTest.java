package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.Certificates;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** Nobody gets in who does not belong. */
@Timeout(600)
class IdentityTest {
  private static ServerProcess server;

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static CertificateAuthority authority(Clock clock) {
    return CertificateAuthority.load(new ServerDirectory(server.directory()), clock);
  }

  /** Calls Status for a job that does not exist: a caller who is let in gets NOT_FOUND. */
  static Status call(ManagedChannel channel) throws InterruptedException {
    try {
      JobWorkerGrpc.newBlockingStub(channel)
          .withDeadlineAfter(30, TimeUnit.SECONDS)
          .status(JobRequest.newBuilder().setId(UUID.randomUUID().toString()).build());
      return Status.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus();
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  private static Status callWith(CertificateAuthority.Issued issued) throws InterruptedException {
    return call(server.certificates().channel(issued.certificatePem(), issued.keyPem()));
  }

  /** Without a connection; gRPC says UNKNOWN of one that broke during its handshake. */
  static void assertRefused(Status status) {
    boolean broke =
        status.getCode() == Status.Code.UNKNOWN && "channel closed".equals(status.getDescription());
    assertThat(broke || status.getCode() == Status.Code.UNAVAILABLE).as("" + status).isTrue();
  }

  @Test
  void aRegisteredClientIsLetIn() throws Exception {
    assertThat(call(server.certificates().channel("alice")).getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
  }

  @Test
  void noCertificateIsRefusedInTheHandshake() throws Exception {
    assertRefused(call(server.certificates().channel("", "")));
    server.log().event("handshake.refused", "reason", "no_certificate");
  }

  @Test
  void aCertificateOfAnotherAuthorityIsRefusedInTheHandshake() throws Exception {
    CertificateAuthority other = CertificateAuthority.create("job-worker CA", Clock.systemUTC());
    assertRefused(callWith(other.issueClient("alice")));
    JsonNode refused = server.log().event("handshake.refused", "reason", "certificate_refused");
    assertThat(refused.path("subject").asString()).isNotEmpty();
    assertThat(refused.path("serial").asString()).isNotEmpty();
  }

  @Test
  void anExpiredCertificateIsRefusedInTheHandshake() throws Exception {
    Clock longAgo = Clock.offset(Clock.systemUTC(), Duration.ofDays(-400));
    assertRefused(callWith(authority(longAgo).issueClient("alice")));
    JsonNode refused = server.log().event("handshake.refused", "reason", "certificate_expired");
    assertThat(refused.path("subject").asString()).contains("CN=alice");
  }

  @Test
  void aServersCertificateIsNoClientCertificate() throws Exception {
    assertRefused(callWith(authority(Clock.systemUTC()).issueServer(java.util.List.of("alice"))));
  }

  @Test
  void anUnregisteredCommonNameIsRefusedAndLogged() throws Exception {
    Status status = callWith(authority(Clock.systemUTC()).issueClient("mallory"));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(status.getDescription()).contains("mallory").contains("not registered");
    JsonNode denied = server.log().event("request.denied", "cn", "mallory");
    assertThat(denied.path("reason").asString()).isEqualTo("cn_not_registered");
    assertThat(denied.path("method").asString()).isEqualTo("jobworker.v1.JobWorker/Status");
    assertThat(denied.path("peer").asString()).startsWith("127.0.0.1:");
    assertThat(denied.path("serial").asString()).isNotEmpty();
  }

  @Test
  void aDisabledClientIsRefusedUntilItIsEnabledAgain() throws Exception {
    server.addClient("carol");
    assertThat(call(server.certificates().channel("carol")).getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
    server.admin("client", "disable", "carol").succeeded();
    Status status = call(server.certificates().channel("carol"));
    assertThat(status.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(status.getDescription()).contains("disabled");
    server.admin("client", "enable", "carol").succeeded();
    assertThat(call(server.certificates().channel("carol")).getCode())
        .isEqualTo(Status.Code.NOT_FOUND);
  }

  @Test
  void theCommandLineTellsAForeignServerByItsCertificate() throws Exception {
    CertificateAuthority other = CertificateAuthority.create("job-worker CA", Clock.systemUTC());
    Path ca = Files.writeString(server.directory().resolve("other.crt"), other.certificatePem());
    Result result =
        server.as("alice").runAlone("status", "--ca", ca.toString(), UUID.randomUUID().toString());
    assertThat(result.exitCode()).isEqualTo(125);
    assertThat(result.err()).contains("is not from the authority in " + ca);
    assertThat(result.err().lines()).hasSize(1);
  }

  @Test
  void tls12IsRefused() throws Exception {
    try (SSLSocket socket = server.certificates().handshake("TLSv1.3")) {
      assertThat(socket.getSession().getProtocol()).isEqualTo("TLSv1.3");
    }
    assertThatThrownBy(() -> server.certificates().handshake("TLSv1.2"))
        .isInstanceOf(SSLException.class);
    server.log().event("handshake.refused", "reason", "protocol_version");
  }

  @Test
  void aDisabledClientLosesItsStreamsAndIsRefused() throws Exception {
    String id = server.as("alice").start("--shell", "echo hello; sleep 1000");
    Process follower = server.as("alice").spawn("logs", id);
    server.log().event("logs.opened", id);
    server.admin("client", "disable", "alice").succeeded();
    assertThat(server.log().event("logs.closed", id).path("outcome").asString())
        .isEqualTo("cancelled");
    assertThat(follower.waitFor(180, TimeUnit.SECONDS)).isTrue();
    assertThat(follower.exitValue()).isEqualTo(1);
    assertThat(server.as("alice").run("status", id).err()).contains("disabled");
    server.admin("client", "enable", "alice").succeeded();
    assertThat(server.as("alice").run("status", id).exitCode()).isZero();
  }

  /** As if it had been issued a year ago, but for what is left of that. */
  private static CertificateAuthority.Issued issuedToAliceFor(Duration left) {
    return authority(Clock.offset(Clock.systemUTC(), left.minus(Duration.ofDays(365))))
        .issueClient("alice");
  }

  private static ManagedChannel channel(CertificateAuthority.Issued issued) {
    return server.certificates().channel(issued.certificatePem(), issued.keyPem());
  }

  @Test
  void aCertificateThatExpiresWhileItsConnectionIsOpenIsRefusedAtTheNextCall() throws Exception {
    for (Duration left = Duration.ofSeconds(3); ; left = left.multipliedBy(2)) {
      CertificateAuthority.Issued issued = issuedToAliceFor(left);
      Instant end = Certificates.parsed(issued.certificatePem()).getNotAfter().toInstant();
      ManagedChannel channel = channel(issued);
      await()
          .atMost(Programs.PATIENCE)
          .until(() -> channel.getState(true) != ConnectivityState.IDLE && isDecided(channel));
      await()
          .atMost(Programs.PATIENCE)
          .pollInterval(Duration.ofMillis(1))
          .until(() -> Instant.now().isAfter(end.plusMillis(1)));
      Status status = call(channel);
      if (status.getCode() == Status.Code.UNAUTHENTICATED) {
        assertThat(status.getDescription()).contains("has expired, at " + end);
        break;
      }
      // It had expired before its handshake was done, or the look that is taken twice a second has
      // closed its connection before the call.
      assertRefused(status);
    }
    assertThat(server.log().event("request.denied", "reason", "certificate_expired").path("cn"))
        .hasToString("\"alice\"");
  }

  private static boolean isDecided(ManagedChannel channel) {
    ConnectivityState state = channel.getState(false);
    return state == ConnectivityState.READY || state == ConnectivityState.TRANSIENT_FAILURE;
  }

  @Test
  void aCertificateThatExpiresEndsTheStreamsOfItsConnection() throws Exception {
    String id = server.as("alice").start("--shell", "echo hello; sleep 1000");
    JobRequest request = JobRequest.newBuilder().setId(id).build();
    for (Duration left = Duration.ofSeconds(3); ; left = left.multipliedBy(2)) {
      ManagedChannel channel = channel(issuedToAliceFor(left));
      var log =
          JobWorkerGrpc.newBlockingStub(channel).withDeadlineAfter(Programs.PATIENCE).logs(request);
      boolean followed = false;
      try {
        while (true) {
          followed |= log.next().getLog().size() > 0;
        }
      } catch (StatusRuntimeException e) {
        assertThat(e.getStatus().getCode()).isNotEqualTo(Status.Code.DEADLINE_EXCEEDED);
      } finally {
        channel.shutdownNow();
      }
      if (followed) { // or it had expired before
        break;
      }
    }
    server.as("alice").run("stop", id).succeeded();
  }
}
