package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** What happens is written down, as {@code docs/audit.md} says, and nothing else is. */
@Timeout(600)
class AuditTest {
  private static final Path TABLE = Path.of("../docs/audit.md");
  private static final Pattern ROW =
      Pattern.compile("\\| `([a-z_]+\\.[a-z_]+)` \\| [^|]* \\| ?([^|]*?) ?\\|");
  private static final List<String> ALWAYS = List.of("time", "event", "outcome");
  private static final List<String> CALLER =
      List.of("client", "cn", "serial", "peer", "method", "request_id");

  private static ServerProcess server;
  private static String job;
  private static String fed;
  private static String secretive;
  private static String forger;

  /** What {@code docs/audit.md} says of one event. */
  private record Row(Set<String> required, Set<String> allowed) {}

  @BeforeAll
  static void letEverythingHappen() throws Exception {
    server = ServerProcess.start(ServerToml.shipped().with("history.max", 4));
    job = server.as("alice").start("--shell", "echo hello; exit 3");
    server.as("alice").run("logs", job).succeeded();
    server.as("alice").run("stop", job).succeeded();
    server.as("bob").run("status", job);
    fed = server.as("alice").runAlone("start", "-i", "--", "cat").succeeded().text();
    server.as("alice").remove(job).succeeded();
    secretive =
        server
            .as("alice")
            .start(
                "-e",
                "KEY=hush-hush",
                "--",
                "echo",
                "--token=hunter2",
                "password=\nhunter2",
                "--secret",
                "hunter2",
                "visible");
    String signalled = server.as("alice").start("sleep", "1000");
    server.as("alice").run("stop", "--signal", "HUP", signalled).succeeded();
    forger = server.as("alice").start("--", "echo", "\n{\"event\":\"forged\"}\u001b[2J");
    String unsharing = server.as("alice").start("--shell", "unshare -n true; exit 0");
    server.log().event("job.call_refused", unsharing);
    for (int i = 0; i < 6; i++) { // the first ones go
      server.log().event("job.ended", server.as("alice").start("true"));
    }
    administer();
    changeCertificates();
    try (Socket socket = server.certificates().connect()) {
      socket.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      ConnectionsTest.answer(socket);
    }
    server.log().anyEvent("handshake.refused");
    server.log().event("job.removed", "reason", "count");
    server.terminate();
  }

  private static void administer() throws IOException {
    server.addClient("carol", "--role", "viewer");
    server.admin("client", "set", "carol", "running-jobs=3").succeeded();
    server.admin("client", "disable", "carol").succeeded();
    server.admin("client", "enable", "carol").succeeded();
    Path clients = server.directory().resolve("clients");
    Files.move(clients, clients.resolveSibling("away"));
    Files.createFile(clients); // no file can be written there
    assertThat(server.admin("client", "add", "dora").exitCode()).isEqualTo(1);
    Files.delete(clients);
    Files.move(clients.resolveSibling("away"), clients);
    server.log().event("client.removed", "client", "dora");
  }

  private static void changeCertificates() throws IOException {
    CertificateAuthority authority =
        CertificateAuthority.load(
            new ServerDirectory(server.directory()),
            Clock.offset(Clock.systemUTC(), Duration.ofDays(-340)));
    CertificateAuthority.Issued old = authority.issueServer(List.of("localhost", "127.0.0.1"));
    Files.writeString(server.directory().resolve("server.key"), old.keyPem());
    Files.writeString(server.directory().resolve("server.crt"), old.certificatePem());
    server.log().anyEvent("tls.reloaded");
    server.log().anyEvent("tls.expires_soon");
    Files.writeString(server.directory().resolve("server.crt"), "nonsense");
    server.log().anyEvent("tls.reload_failed");
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Map<String, Row> table() throws IOException {
    Map<String, Row> rows = new TreeMap<>();
    for (String line : Files.readAllLines(TABLE)) {
      Matcher matcher = ROW.matcher(line);
      if (matcher.matches()) {
        Set<String> required = new HashSet<>(ALWAYS);
        Set<String> allowed = new HashSet<>(ALWAYS);
        for (String word : matcher.group(2).split(", *", -1)) {
          String name = word.replace("?", "");
          List<String> names = name.equals("caller") ? CALLER : List.of(name);
          allowed.addAll(names);
          if (!word.endsWith("?") && !name.isEmpty()) {
            required.addAll(names);
          }
        }
        rows.put(matcher.group(1), new Row(required, allowed));
      }
    }
    return rows;
  }

  @Test
  void everyLineIsAsTheTableSaysAndEveryEventOfTheTableWasSeen() throws Exception {
    Map<String, Row> table = table();
    Set<String> seen = new TreeSet<>();
    for (JsonNode line : server.log().audit()) {
      String event = line.path("event").asString();
      assertThat(table).as(line.toString()).containsKey(event);
      assertThat(line.propertyNames())
          .as(line.toString())
          .containsAll(table.get(event).required())
          .isSubsetOf(table.get(event).allowed());
      assertThat(line.path("time").asString()).matches("\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z");
      seen.add(event);
    }
    seen.add("audit.lost"); // which FaultsTest brings about
    seen.add("connection.flooded"); // and FloodTest
    assertThat(seen).isEqualTo(table.keySet());
  }

  @Test
  void everyFieldOfTheTableIsExplained() throws Exception {
    String text = Files.readString(TABLE);
    String explained = text.substring(text.indexOf("## Fields"));
    table().values().stream()
        .flatMap(row -> row.allowed().stream())
        .filter(field -> !field.isEmpty() && !field.equals("event"))
        .forEach(field -> assertThat(explained).contains("`" + field + "`"));
  }

  @Test
  void aJobsEventsTellWhoDidWhat() {
    JsonNode started = server.log().event("job.started", job);
    assertCaller(started, "alice", "Start");
    assertThat(started.path("argv").toString())
        .isEqualTo("[\"/bin/sh\",\"-c\",\"echo hello; exit 3\"]");
    assertThat(started.path("pid").asInt()).isPositive();
    assertThat(started.path("limits").isObject()).isTrue();
    assertThat(started.path("uid").asInt()).isPositive();

    JsonNode ended = server.log().event("job.ended", job);
    assertThat(ended.path("client").asString()).isEqualTo("alice");
    assertThat(ended.path("status").asString()).isEqualTo("failed");
    assertThat(ended.path("reason").asString()).isEqualTo("exited");
    assertThat(ended.path("exit_code").asInt()).isEqualTo(3);
    assertThat(ended.path("output_bytes").asInt()).isEqualTo(6);
    assertThat(ended.path("usage").path("cpu_usec").isNumber()).isTrue();
    assertThat(ended.path("time").asString()).isGreaterThan(started.path("time").asString());

    assertCaller(server.log().event("logs.opened", job), "alice", "Logs");
    JsonNode closed = server.log().event("logs.closed", job);
    assertCaller(closed, "alice", "Logs");
    assertThat(closed.path("outcome").asString()).isEqualTo("complete");
    assertThat(closed.path("bytes").asInt()).isEqualTo(6);
    assertThat(closed.path("dropped_bytes").asInt()).isZero();

    assertCaller(server.log().event("input.opened", fed), "alice", "Input");
    JsonNode left = server.log().event("input.closed", fed);
    assertCaller(left, "alice", "Input");
    assertThat(left.path("outcome").asString()).isEqualTo("ended");
    assertThat(left.path("bytes").asInt()).isZero();

    assertCaller(server.log().event("job.stop_requested", job), "alice", "Stop");
    JsonNode denied = server.log().event("request.denied", job);
    assertCaller(denied, "bob", "Status");
    assertThat(denied.path("reason").asString()).isEqualTo("not_owner");
    JsonNode removed = server.log().event("job.removed", job);
    assertCaller(removed, "alice", "Remove");
    assertThat(removed.path("reason").asString()).isEqualTo("requested");
  }

  private static void assertCaller(JsonNode event, String client, String method) {
    assertThat(event.path("client").asString()).isEqualTo(client);
    assertThat(event.path("cn").asString()).isEqualTo(client);
    assertThat(event.path("peer").asString()).startsWith("127.0.0.1:");
    assertThat(event.path("serial").asString()).isNotEmpty();
    assertThat(event.path("request_id").asString()).isNotEmpty();
    assertThat(event.path("method").asString()).isEqualTo("jobworker.v1.JobWorker/" + method);
  }

  @Test
  void changesOfClientsAreToldWithWhoMadeThem() {
    JsonNode added = server.log().event("client.added", "client", "carol");
    assertThat(added.path("detail").asString()).isEqualTo("role=viewer");
    assertThat(added.path("by").asString()).isEqualTo(System.getProperty("user.name"));
    assertThat(server.log().event("client.changed", "client", "carol").path("detail").asString())
        .isEqualTo("running-jobs=3");
    assertThat(
            server.log().audit().stream()
                .filter(line -> line.path("client").asString().equals("carol"))
                .map(line -> line.path("event").asString()))
        .containsExactly("client.added", "client.changed", "client.disabled", "client.enabled");
  }

  @Test
  void secretsInArgumentsAreMaskedAndTheEnvironmentIsNotWritten() throws Exception {
    assertThat(server.log().event("job.started", secretive).path("argv").toString())
        .isEqualTo("[\"echo\",\"--token=***\",\"password=***\",\"--secret\",\"***\",\"visible\"]");
    try (Stream<Path> files = Files.walk(server.directory().resolve("audit"))) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(file)).doesNotContain("hunter2", "hush-hush");
      }
    }
    assertThat(Files.readString(server.log().file())).doesNotContain("hunter2", "hush-hush");
  }

  @Test
  void controlCharactersInArgumentsBeginNoLine() throws Exception {
    assertThat(server.log().event("job.started", forger).path("argv").get(1).asString())
        .startsWith("\n{\"event\":\"forged\"}");
    assertThat(server.log().events("forged")).isEmpty();
    String text = Files.readString(server.directory().resolve("audit/audit.jsonl"));
    assertThat(text.chars().filter(c -> Character.isISOControl(c) && c != '\n')).isEmpty();
  }

  @Test
  void onlyItsOwnerCanReadIt() throws Exception {
    Path file = server.directory().resolve("audit/audit.jsonl");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void itIsRotatedAndOlderFilesAreKeptUpToTheirNumber() throws Exception {
    try (ServerProcess small =
        ServerProcess.start(
            ServerToml.shipped().with("audit.max-size", "64K").with("audit.keep", 2))) {
      String id = small.as("alice").start("true");
      Path oldest = small.directory().resolve("audit/audit.jsonl.2");
      ManagedChannel channel = small.certificates().channel("alice");
      JobRequest logs = JobRequest.newBuilder().setId(id).build();
      for (int i = 0; i < 5_000 && !Files.exists(oldest); i++) {
        JobWorkerGrpc.newBlockingStub(channel).logs(logs).forEachRemaining(_ -> {});
      }
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
      List<String> names;
      try (Stream<Path> files = Files.list(oldest.getParent())) {
        names = files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
      }
      assertThat(names)
          .isEqualTo(
              List.of("audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.reserve"));
      assertThat(Files.size(oldest)).isLessThan(1 << 20);
    }
  }
}
