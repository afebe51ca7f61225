package io.jobworker.acceptance.security;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.TestServer;
import io.jobworker.acceptance.support.Wire;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import io.jobworker.server.tls.CertificateAuthority.Issued;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The way to the server: where it is wrong, one line says so, and how to put it right. */
@Order(1)
@Timeout(600)
class ReachingTest {
  private static final int UNREACHABLE = 125;
  private static final Clock NOW = Clock.systemUTC();

  private static ServerProcess server;

  @TempDir private Path directory = Path.of("");

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Clock daysFromNow(int days) {
    return Clock.offset(NOW, Duration.ofDays(days));
  }

  private static CertificateAuthority authority(Clock clock) {
    return CertificateAuthority.load(new ServerDirectory(server.directory()), clock);
  }

  private static Result ask(String... options) {
    return askAt(server.address(), options);
  }

  private static Result askAt(String address, String... options) {
    String[] words = new String[options.length + 2];
    words[0] = "status";
    System.arraycopy(options, 0, words, 1, options.length);
    words[words.length - 1] = UUID.randomUUID().toString();
    return server.as("alice").at(address).run(words);
  }

  private static void assertReached(Result result) {
    assertThat(result.err()).contains("no such job");
    assertThat(result.exitCode()).isEqualTo(1);
  }

  private static void assertTold(Result result, String... texts) {
    assertThat(result.err()).startsWith("job-worker: ").contains(texts);
    assertThat(result.err().lines()).hasSize(1);
    assertThat(result.err()).doesNotContain("Exception", "PKIX", "java", "End of stream");
    assertThat(result.exitCode()).isEqualTo(UNREACHABLE);
  }

  // --- where it is

  @Test
  void anIpv6AddressIsReached() throws Exception {
    InetAddress loopback = InetAddress.ofLiteral("::1");
    try (Wire wire = Wire.to(server.port(), loopback)) {
      String address = "[::1]:" + wire.port();
      assertReached(askAt(address, "--server-name", "localhost"));
      Path named = Files.copy(server.as("alice").config(), directory.resolve("named.toml"));
      Files.writeString(
          named, "server_name = \"localhost\"\n" + Files.readString(named)); // before any table
      assertReached(askAt(address, "--config", named.toString()));
      assertTold(
          askAt(address),
          "the server's certificate is for localhost, 127.0.0.1, not ::1; --server-name localhost"
              + " or have it renewed for both");
    } catch (java.net.BindException e) {
      assumeTrue(false, "there is no IPv6");
    }
  }

  @Test
  void theAddressIsTheOptionsThenTheEnvironmentsThenTheFiles() throws Exception {
    Path elsewhere = directory.resolve("elsewhere.toml");
    Files.writeString(
        elsewhere,
        Files.readString(server.as("alice").config())
            .replaceFirst("address = \".*\"", "address = \"127.0.0.1:1\""));
    assertReached(askWith(elsewhere, server.address()));
    assertTold(askWith(elsewhere, ""), "cannot reach the server at 127.0.0.1:1:");
    assertReached(askWith(elsewhere, "127.0.0.1:2", "--address", server.address()));
    Result none = askWith(elsewhere, "127.0.0.1:99999");
    assertThat(none.err()).startsWith("job-worker: JOB_WORKER_ADDRESS: '127.0.0.1:99999'");
    assertThat(none.exitCode()).isEqualTo(2);
  }

  private static Result askWith(Path config, String address, String... options) throws IOException {
    ProcessBuilder asking = server.as("alice").process("status");
    asking.command().subList(1, asking.command().size()).clear(); // which would name the address
    asking.command().addAll(List.of("status", UUID.randomUUID().toString()));
    asking.command().addAll(List.of(options));
    asking
        .environment()
        .putAll(Map.of("JOB_WORKER_CONFIG", config.toString(), "JOB_WORKER_ADDRESS", address));
    return Programs.finished(asking.start());
  }

  /** The names of containers have underscores. */
  @Test
  void aHostWithAnUnderscoreIsReachedAndItsNameFoundInTheCertificate() throws Exception {
    Issued named = authority(NOW).issueServer(List.of("build_1"));
    Path hosts = Files.writeString(directory.resolve("hosts"), "127.0.0.1 build_1 build_2\n");
    try (TestServer listening = TestServer.start(named)) {
      for (String host : List.of("build_1", "build_2")) {
        ProcessBuilder asking =
            server
                .as("alice")
                .at(host + ":" + listening.port())
                .process("status", UUID.randomUUID().toString());
        asking.environment().put("JAVA_TOOL_OPTIONS", "-Djdk.net.hosts.file=" + hosts);
        String said = Programs.finished(asking.start()).err();
        boolean trusted = host.equals("build_1");
        assertThat(said.contains("certificate is for build_1, not build_2")).isEqualTo(!trusted);
        assertThat(said.contains("cannot reach the server at build_1:")).isEqualTo(trusted);
      }
    }
  }

  @Test
  void aHostThatIsNotThereIsNamed() {
    assertTold(askAt("no_such_host.invalid:7443"), "there is no host 'no_such_host.invalid'");
  }

  @Test
  void aPortBehindWhichNobodyListensIsNamed() {
    assertTold(
        askAt("127.0.0.1:1"),
        "cannot reach the server at 127.0.0.1:1: Connection refused; check that it runs");
  }

  @Test
  void aPortThatSpeaksSomethingElseIsNoServer() throws Exception {
    try (TestServer web = TestServer.saying("HTTP/1.1 400 Bad Request\r\n\r\n")) {
      String address = "127.0.0.1:" + web.port();
      assertTold(askAt(address), address + " is no job-worker server");
    }
  }

  // --- whom we believe

  private void assertServerIsNotBelieved(Issued issued, String... texts) throws Exception {
    try (TestServer listening = TestServer.start(issued)) {
      String address = "127.0.0.1:" + listening.port();
      assertTold(askAt(address), texts);
      Result start = server.as("alice").at(address).run("start", "true"); // not asked again
      assertTold(start, texts);
    }
  }

  @Test
  void aServersCertificateThatHasEndedIsToldByItsDay() throws Exception {
    assertServerIsNotBelieved(
        authority(daysFromNow(-400)).issueServer(List.of("127.0.0.1")),
        "the server's certificate ended on 20",
        "job-worker-server certs renew");
  }

  @Test
  void aServersCertificateThatDoesNotHoldYetIsToldByItsDay() throws Exception {
    assertServerIsNotBelieved(
        authority(daysFromNow(3)).issueServer(List.of("127.0.0.1")),
        "the server's certificate holds only from 20",
        "clock");
  }

  @Test
  void aServersCertificateOfAnotherAuthorityIsToldFromAWrongOne() throws Exception {
    assertServerIsNotBelieved(
        CertificateAuthority.create("another CA", NOW).issueServer(List.of("127.0.0.1")),
        "not from the authority in",
        "alice.toml",
        "'another CA'",
        "check the address");
  }

  @Test
  void aServersCertificateForAnotherHostIsToldWithItsNames() throws Exception {
    assertServerIsNotBelieved(
        authority(NOW).issueServer(List.of("build1", "10.0.0.7")),
        "is for build1, 10.0.0.7, not 127.0.0.1; --server-name build1");
  }

  @Test
  void aClientsCertificateIsNoServers() throws Exception {
    assertServerIsNotBelieved(authority(NOW).issueClient("eve"), "not made for a server");
  }

  // --- who we are

  private Result askAs(String certificatePem, String keyPem) throws IOException {
    Path certificate = Files.writeString(directory.resolve("my.crt"), certificatePem);
    Path key = Files.writeString(directory.resolve("my.key"), keyPem);
    return ask("--cert", certificate.toString(), "--key", key.toString());
  }

  private Result askAs(Issued issued) throws IOException {
    return askAs(issued.certificatePem(), issued.keyPem());
  }

  @Test
  void ourCertificateThatHasEndedIsToldByItsDay() throws Exception {
    assertTold(
        askAs(authority(daysFromNow(-400)).issueClient("alice")),
        "your certificate ended on 20",
        "job-worker-server certs renew --client alice");
  }

  @Test
  void ourCertificateThatDoesNotHoldYetIsToldByItsDay() throws Exception {
    assertTold(
        askAs(authority(daysFromNow(3)).issueClient("alice")),
        "your certificate holds only from 20",
        "clock");
  }

  @Test
  void ourCertificateOfAnotherAuthorityIsTold() throws Exception {
    assertTold(
        askAs(CertificateAuthority.create("another CA", NOW).issueClient("alice")),
        "the server does not know the authority of your certificate (CN alice, in",
        "my.crt",
        "'another CA'");
  }

  @Test
  void aKeyThatIsNotThatOfTheCertificateIsTold() throws Exception {
    assertTold(
        askAs(
            authority(NOW).issueClient("alice").certificatePem(),
            authority(NOW).issueClient("alice").keyPem()),
        "the key in",
        "my.key is not that of the certificate in",
        "my.crt");
  }

  @Test
  void aServersCertificateIsNoClients() throws Exception {
    assertTold(askAs(authority(NOW).issueServer(List.of("alice"))), "the server refuses your");
  }

  @Test
  void aStartThatIsRefusedIsNotRepeated() throws Exception {
    Issued old = authority(daysFromNow(-400)).issueClient("alice");
    Path certificate = Files.writeString(directory.resolve("my.crt"), old.certificatePem());
    Path key = Files.writeString(directory.resolve("my.key"), old.keyPem());
    Result start =
        server
            .as("alice")
            .run("start", "--cert", certificate.toString(), "--key", key.toString(), "true");
    assertTold(start, "your certificate ended on 20");
  }

  @Test
  void aCertificateWithoutARegisteredNameIsRefusedByTheServersWords() throws Exception {
    Result result = askAs(authority(NOW).issueClient("mallory"));
    assertThat(result.err())
        .startsWith("job-worker: your certificate's CN 'mallory' is not registered")
        .contains("job-worker-server client add");
    assertThat(result.exitCode()).isEqualTo(1);
  }

  // --- a wire that is cut

  /**
   * Nothing is reset: packets just do not come any more. Follower and server ask whether the other
   * is there. Meanwhile a client that only asks, without a call, is not sent away for it.
   */
  @Test
  void aFollowerNoticesAWireThatIsCutAndGoesOnByAnother() throws Exception {
    try (Gate gate = new Gate();
        Wire wire = Wire.to(server.port(), InetAddress.getLoopbackAddress());
        Pinging pinging = new Pinging(server.certificates().connect("bob"))) {
      String id = server.as("alice").start("--shell", "echo one; " + gate.waiting() + "; echo two");
      Process follower = server.as("alice").at("localhost:" + wire.port()).spawn("logs", id);
      CompletableFuture<byte[]> said = Programs.readAll(follower.getErrorStream());
      assertThat(new String(follower.getInputStream().readNBytes(4), UTF_8)).isEqualTo("one\n");
      CompletableFuture<byte[]> output = Programs.readAll(follower.getInputStream());
      wire.awaitSilence();
      wire.cut();
      gate.open();
      assertThat(new String(output.get(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS), UTF_8))
          .isEqualTo("two\n");
      assertThat(follower.waitFor()).isZero();
      assertThat(new String(said.join(), UTF_8)).contains("reconnected; going on at offset");
      await().atMost(Programs.PATIENCE).until(() -> pinging.answers() >= 4);
    }
  }

  /** A client that asks every six seconds and calls nothing. */
  private static final class Pinging implements AutoCloseable {
    private static final int PING = 6; // RFC 9113, 6.7
    private static final int GOAWAY = 7;
    private static final int ACK = 1;

    private final Socket socket;
    private final AtomicInteger answers = new AtomicInteger();
    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();

    Pinging(Socket socket) throws IOException {
      this.socket = socket;
      socket.getOutputStream().write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(UTF_8));
      send(4, 0, new byte[0]); // SETTINGS
      var _ = Thread.ofVirtual().start(this::read);
      var _ = clock.scheduleWithFixedDelay(this::ping, 0, 6, TimeUnit.SECONDS);
    }

    private synchronized void send(int type, int flags, byte[] payload) throws IOException {
      byte[] frame = new byte[9 + payload.length];
      frame[2] = (byte) payload.length;
      frame[3] = (byte) type;
      frame[4] = (byte) flags;
      System.arraycopy(payload, 0, frame, 9, payload.length);
      socket.getOutputStream().write(frame);
      socket.getOutputStream().flush();
    }

    private void ping() {
      try {
        send(PING, 0, new byte[8]);
      } catch (IOException e) {
        clock.shutdown(); // sent away: the answers that are missing tell
      }
    }

    private void read() {
      try {
        InputStream in = socket.getInputStream();
        while (true) {
          byte[] header = in.readNBytes(9);
          if (header.length < 9 || header[3] == GOAWAY) {
            return;
          }
          in.readNBytes(
              ((header[0] & 0xff) << 16) | ((header[1] & 0xff) << 8) | (header[2] & 0xff));
          if (header[3] == PING && header[4] == ACK) {
            answers.incrementAndGet();
          }
        }
      } catch (IOException e) {
        // closed
      }
    }

    int answers() {
      return answers.get();
    }

    @Override
    public void close() throws IOException {
      clock.shutdownNow();
      socket.close();
    }
  }
}
