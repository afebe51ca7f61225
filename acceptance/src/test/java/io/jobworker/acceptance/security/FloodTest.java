package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.RawHttp2;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import java.io.IOException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/** Whoever has a certificate, and sends what costs and brings nothing, harms nobody else. */
@Timeout(600)
class FloodTest {
  private static final String START = JobWorkerGrpc.getStartMethod().getFullMethodName();
  private static final String STATUS = JobWorkerGrpc.getStatusMethod().getFullMethodName();
  private static final int ENHANCE_YOUR_CALM = 0xb;

  /** More than any server could hold, if it held them. */
  private static final int FRAMES = 3_000_000;

  private static final int BATCH_BYTES = 64 << 10;

  private static final List<String> SMALL_HEAP =
      List.of(
          "env",
          "JOB_WORKER_JAVA_OPTS=-Xmx96m -XX:MaxDirectMemorySize=96m -XX:+UseSerialGC"
              + " -XX:TieredStopAtLevel=1");

  private static ServerProcess server;

  private final List<RawHttp2> connections = new ArrayList<>();

  @BeforeAll
  static void start() {
    server = ServerProcess.start(ServerToml.shipped().with("connections.max", 512), SMALL_HEAP);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @AfterEach
  void close() throws IOException {
    for (RawHttp2 connection : connections) {
      connection.close();
    }
  }

  private RawHttp2 connect() throws IOException {
    RawHttp2 connection = new RawHttp2(server.certificates().connect("alice"));
    connections.add(connection);
    return connection;
  }

  /** Adds the n-th frame of a flood. */
  interface Frame {
    void to(RawHttp2 connection, int number);
  }

  private static Arguments flood(String kind, Frame frame) {
    return Arguments.of(kind, frame);
  }

  static Stream<Arguments> floods() {
    return Stream.of(
        flood("empty_data", (to, i) -> to.frame(RawHttp2.DATA, 0, 1)),
        flood(
            "reset",
            (to, i) -> {
              to.call(3 + 2 * i, START);
              to.frame(RawHttp2.RST_STREAM, 0, 3 + 2 * i, (byte) 0, (byte) 0, (byte) 0, (byte) 8);
            }),
        flood("streams", (to, i) -> to.call(3 + 2 * i, STATUS)),
        flood("settings", (to, i) -> to.frame(RawHttp2.SETTINGS, 0, 0)),
        flood("ping", (to, i) -> to.frame(RawHttp2.PING, 1, 0, new byte[8])),
        flood("other", (to, i) -> to.frame(RawHttp2.PRIORITY, 0, 1 + 2 * i, new byte[5])),
        flood(
            "window_update",
            (to, i) ->
                to.frame(RawHttp2.WINDOW_UPDATE, 0, 1, (byte) 0, (byte) 0, (byte) 0, (byte) 1)));
  }

  /** Sends frames until nobody takes them any more, or there were too many of them. */
  private static void send(RawHttp2 connection, Frame frame) {
    try {
      for (int i = 0; i < FRAMES; i++) {
        frame.to(connection, i);
        if (connection.batched() > BATCH_BYTES) {
          connection.flush();
        }
      }
      connection.flush();
    } catch (IOException e) {
      // it was closed
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("floods")
  void aConnectionThatFloodsIsEndedAndNobodyElseNoticesIt(String kind, Frame frame)
      throws Exception {
    RawHttp2 connection = connect();
    connection.call(1, START);
    send(connection, frame);
    assertThat(connection.goAwaysUntilClosed()).isSubsetOf(ENHANCE_YOUR_CALM);
    assertThat(connection.isClosed()).isTrue();
    JsonNode told = server.log().event("connection.flooded", "kind", kind);
    assertThat(told.path("cn").asString()).isEqualTo("alice");
    assertServes("alice");
    assertServes("bob");
  }

  private static void assertServes(String client) {
    String job = server.as(client).start("true");
    server.log().event("job.ended", job);
  }

  /** Each answer is small, and holds all that there is of its call until it is taken. */
  @Test
  void whoAsksForEverAndTakesNoAnswersHarmsNobodyElse() throws Exception {
    RawHttp2 connection = RawHttp2.deaf(server.certificates().connect("alice"));
    connections.add(connection);
    var _ =
        Thread.ofPlatform()
            .daemon()
            .start(() ->
                send(
                    connection,
                    (to, i) -> {
                      to.call(1 + 2 * i, STATUS);
                      to.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1 + 2 * i, new byte[5]);
                    }));
    for (int i = 0; i < 20; i++) {
      assertServes("bob");
    }
  }

  @Test
  void whoIsNoClientMayCallOnlyAFewTimes() throws Exception {
    CertificateAuthority authority =
        CertificateAuthority.load(new ServerDirectory(server.directory()), Clock.systemUTC());
    CertificateAuthority.Issued stranger = authority.issueClient("mallory");
    RawHttp2 connection =
        new RawHttp2(server.certificates().connect(stranger.certificatePem(), stranger.keyPem()));
    connections.add(connection);
    send(connection, (to, i) -> to.call(1 + 2 * i, START));
    assertThat(connection.goAwaysUntilClosed()).isSubsetOf(ENHANCE_YOUR_CALM);
    assertThat(connection.isClosed()).isTrue();
    server.log().event("connection.flooded", "cn", "mallory");
    assertServes("bob");
  }

  /** As many connections and calls as a client may have, and each request lacks its end. */
  @Test
  void requestsThatNeverComeWholeTakeNoMoreThanTheirShare() throws Exception {
    byte[] part = new byte[16 << 10];
    for (int c = 0; c < 10; c++) {
      sendParts(part, 2_800_000);
    }
    server.log().event("request.denied", "reason", "quota request-bytes");
    assertServes("bob");
    for (RawHttp2 connection : connections) {
      connection.close();
    }
    await().atMost(Programs.PATIENCE).until(() -> canStartLarge());
  }

  @Test
  void norDoThoseThatComeByteByByte() throws Exception {
    sendParts(new byte[1], 150_000);
    server.log().event("connection.flooded", "kind", "small_data");
    assertServes("bob");
  }

  /** Ten calls, of each so many bytes out of three millions, as long as the server takes them. */
  private void sendParts(byte[] part, int bytes) throws Exception {
    RawHttp2 connection = connect();
    for (int stream = 1; stream < 20; stream += 2) {
      connection.call(stream, START);
      connection.data(stream, (byte) 0, (byte) 0, (byte) 45, (byte) 0, (byte) 0);
    }
    var _ =
        Thread.ofVirtual()
            .start(() -> {
              try {
                for (int sent = 0; sent < bytes; sent += part.length) {
                  for (int stream = 1; stream < 20; stream += 2) {
                    connection.data(stream, part);
                  }
                }
              } catch (IOException | InterruptedException e) {
                // it was closed
              }
            });
  }

  private static boolean canStartLarge() {
    List<String> words = new ArrayList<>(List.of("start", "--", "true"));
    for (int i = 0; i < 16; i++) {
      words.add("x".repeat(50_000));
    }
    return server.as("alice").run(words.toArray(String[]::new)).exitCode() == 0;
  }
}
