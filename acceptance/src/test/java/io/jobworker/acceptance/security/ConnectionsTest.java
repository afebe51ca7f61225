package io.jobworker.acceptance.security;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.random.RandomGenerator;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** Whoever speaks something else, or nothing, gets nowhere and keeps nobody out. */
@Timeout(600)
class ConnectionsTest {
  /** The first bytes of a TLS record that announces more than follows (RFC 8446, 5.1). */
  private static final byte[] HALF_A_HELLO = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01};

  /** RFC 9113, 3.4: what every connection of HTTP/2 begins with, and an empty SETTINGS frame. */
  private static final byte[] HTTP2 =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0".getBytes(US_ASCII);

  private static final ServerToml TIGHT =
      ServerToml.shipped()
          .with("connections.handshake-patience", "60s")
          .with("connections.handshakes", 4)
          .with("connections.max", 8);

  private static final ServerToml IMPATIENT = TIGHT.with("connections.handshake-patience", "3s");

  private static ServerProcess shared;
  private static ServerProcess impatient;

  private final List<Socket> sockets = new ArrayList<>();
  private ServerProcess server = shared;

  @BeforeAll
  static void startShared() {
    shared = ServerProcess.start(TIGHT);
    impatient = ServerProcess.start(IMPATIENT);
  }

  @AfterAll
  static void stopShared() {
    shared.close();
    impatient.close();
  }

  @AfterEach
  void stop() throws Exception {
    for (Socket socket : sockets) {
      socket.close();
    }
    if (server != shared && server != impatient) {
      server.close();
    }
  }

  private Socket connect(byte... said) throws IOException {
    Socket socket = server.certificates().connect();
    sockets.add(socket);
    socket.setSoTimeout((int) Programs.PATIENCE.toMillis());
    socket.getOutputStream().write(said);
    return socket;
  }

  /** What the server says until it closes the connection. */
  static byte[] answer(Socket socket) throws IOException {
    try {
      return socket.getInputStream().readAllBytes();
    } catch (SocketException e) {
      return new byte[0]; // reset: what we had said was not even read
    }
  }

  private void assertServes() {
    assertThat(statusOfNone("alice")).isEqualTo(1);
  }

  private int statusOfNone(String client) {
    return server.as(client).run("status", UUID.randomUUID().toString()).exitCode();
  }

  /** For a test that waits for a handshake to be given up, when its first ones have been slow. */
  private void useImpatient() {
    server = impatient;
    await().atMost(Programs.PATIENCE).until(() -> statusOfNone("alice") == 1);
  }

  /** Waits until the log tells that this connection was refused, and why. */
  private void assertRefused(Socket socket, String reason) {
    String peer = "127.0.0.1:" + socket.getLocalPort();
    JsonNode refused = server.log().event("handshake.refused", "peer", peer);
    assertThat(refused.path("reason").asString()).isEqualTo(reason);
  }

  @Test
  void whoSpeaksHttpIsHungUpOnAndToldNothing() throws Exception {
    Socket socket = connect("GET / HTTP/1.1\r\nHost: x\r\n\r\n".getBytes(US_ASCII));
    assertThat(answer(socket).length).isLessThan(64); // a TLS alert, at most
    assertRefused(socket, "not_tls");
    assertServes();
  }

  @Test
  void whoSpeaksHttp2WithoutTlsIsHungUpOn() throws Exception {
    Socket socket = connect("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(US_ASCII));
    answer(socket);
    assertRefused(socket, "not_tls");
    assertServes();
  }

  @Test
  void noiseIsHungUpOn() throws Exception {
    RandomGenerator random = RandomGenerator.of("L64X128MixRandom");
    for (int i = 0; i < 20; i++) {
      byte[] noise = new byte[4096];
      random.nextBytes(noise);
      answer(connect(noise));
    }
    assertServes();
  }

  @Test
  void whoSaysNothingIsGivenUp() throws Exception {
    useImpatient();
    Socket socket = connect();
    assertThat(answer(socket)).isEmpty();
    assertRefused(socket, "timeout");
    assertServes();
  }

  @Test
  void halfAHandshakeIsGivenUp() throws Exception {
    useImpatient();
    Socket socket = connect(HALF_A_HELLO);
    answer(socket);
    assertRefused(socket, "timeout");
    assertServes();
  }

  @Test
  void whoHoldsHandshakesOpenKeepsNobodyOut() throws Exception {
    List<Socket> held = new ArrayList<>();
    for (int i = 0; i < 6; i++) { // of which 4 may be at once
      held.add(connect(HALF_A_HELLO));
    }
    assertServes();
    answer(held.getFirst()); // it was the first to give way
    assertRefused(held.getFirst(), "too_many_handshakes");
  }

  @Test
  void handshakesThatComeTooQuicklyWaitForTheirTurn() throws Exception {
    server = ServerProcess.start(ServerToml.shipped().with("connections.per-second", 1));
    for (int i = 0; i < 6; i++) { // of which 2 may follow at once
      assertServes();
    }
  }

  /** Opens silent connections from 127.0.0.2, as quickly as it can, until it is interrupted. */
  private void flood() {
    Deque<Socket> open = new ArrayDeque<>();
    try {
      while (!Thread.currentThread().isInterrupted()) {
        Socket socket = new Socket();
        open.add(socket);
        socket.bind(new InetSocketAddress("127.0.0.2", 0));
        socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
        if (open.size() > 500) {
          open.remove().close();
        }
      }
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      // interrupted
    }
  }

  @Test
  void whoConnectsQuickerThanAllOthersKeepsNobodyOut() throws Exception {
    server = ServerProcess.start();
    Thread flood = Thread.ofVirtual().start(this::flood);
    try {
      server.log().event("handshake.refused", "reason", "too_many_handshakes");
      for (int i = 0; i < 5; i++) {
        assertServes();
      }
    } finally {
      flood.interrupt();
      flood.join();
    }
  }

  @Test
  void connectionsBeyondTheirNumberAreRefusedAndPlacesComeBack() throws Exception {
    server = ServerProcess.start(TIGHT); // with all its places free
    List<SSLSocket> held = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      held.add(server.certificates().connect("alice"));
      sockets.add(held.getLast());
      held.getLast().getOutputStream().write(HTTP2);
      assertThat(held.getLast().getInputStream().read()).isNotNegative(); // it is ready
    }
    assertThat(statusOfNone("bob")).isEqualTo(125);
    server.log().event("handshake.refused", "reason", "too_many_connections");
    for (Socket socket : held) {
      socket.close();
    }
    await().atMost(Programs.PATIENCE).until(() -> statusOfNone("bob") == 1);
  }

  @Test
  void aConnectionThatIsNotUsedIsClosed() throws Exception {
    server = ServerProcess.start(ServerToml.shipped().with("connections.idle", "3s"));
    Socket idle = server.certificates().connect("alice");
    sockets.add(idle);
    idle.getOutputStream().write(HTTP2);
    idle.setSoTimeout((int) Programs.PATIENCE.toMillis());
    answer(idle); // ends
    assertServes();
  }

  @Test
  void aGoodHandshakeAndThenNothingIsGivenUp() throws Exception {
    useImpatient();
    Socket socket = server.certificates().connect("alice");
    sockets.add(socket);
    socket.setSoTimeout((int) Programs.PATIENCE.toMillis());
    answer(socket);
    assertRefused(socket, "timeout");
  }

  @Test
  void whatIsNoHttp2BehindAGoodHandshakeIsHungUpOn() throws Exception {
    Socket socket = server.certificates().connect("alice");
    sockets.add(socket);
    socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(US_ASCII));
    socket.setSoTimeout((int) Programs.PATIENCE.toMillis());
    answer(socket);
    assertServes();
  }
}
