package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.PublicDirectory;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobWorkerGrpc;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What readers of a job's output get, from the daemon and by the command line. */
@Timeout(600)
class OutputTest {
  private static ServerProcess shipped;

  private final Gate gate = new Gate();
  private ServerProcess server = shipped;

  @BeforeAll
  static void start() {
    shipped = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    shipped.close();
  }

  @AfterEach
  void stopOwn() throws Exception {
    gate.close();
    if (server != shipped) {
      server.close();
    }
  }

  private void startWith(String setting, String value) {
    server = ServerProcess.start(ServerToml.shipped().with(setting, value));
  }

  private void awaitOutput(String id, long bytes) {
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> server.as("alice").status(id).path("outputBytes").asLong() >= bytes);
  }

  private String ended(String script) {
    String id = server.as("alice").start("--shell", script);
    server.log().event("job.ended", id);
    return id;
  }

  private Result logs(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "logs";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    return server.as("alice").run(all);
  }

  // --- where to begin

  @Test
  void logsBeginAtTheLastLinesOrAtAnOffset() {
    String id = ended("i=1; while [ $i -le 1000 ]; do echo line $i; i=$((i+1)); done");
    assertThat(logs("--tail", "3", id).succeeded().text())
        .isEqualTo("line 998\nline 999\nline 1000");
    assertThat(logs("--tail", "0", id).succeeded().out()).isEmpty();
    assertThat(logs("-n", "5000", id).succeeded().text()).startsWith("line 1\n");
    assertThat(logs("--offset", "5", id).succeeded().text()).startsWith("1\nline 2\n");
    assertThat(logs("--offset", "999999", id).err()).contains("beyond the end of the output");
  }

  @Test
  void logsBeginAtATime() throws Exception {
    String id =
        server.as("alice").start("--shell", "echo before; " + gate.waiting() + "; echo after");
    awaitOutput(id, "before\n".length());
    gate.open();
    server.log().event("job.ended", id);
    String time = timeOf(logs("--timestamps", id).succeeded().text(), "after");
    assertThat(logs("--since", time, id).succeeded().text()).isEqualTo("after");
    assertThat(logs("--since", "1h", id).succeeded().text()).isEqualTo("before\nafter");
    assertThat(logs("--since", "2100-01-01T00:00:00Z", id).succeeded().out()).isEmpty();
  }

  @Test
  void logsEndAtATime() throws Exception {
    String id =
        server
            .as("alice")
            .start("--shell", "echo one; echo two; " + gate.waiting() + "; echo late");
    awaitOutput(id, "one\ntwo\n".length());
    gate.open();
    server.log().event("job.ended", id);
    String late = timeOf(logs("--timestamps", id).succeeded().text(), "late");
    String before = Instant.parse(late).minusNanos(1000).toString();
    assertThat(logs("--until", before, id).succeeded().text()).isEqualTo("one\ntwo");
    assertThat(logs("--until", "1700000000", id).succeeded().out()).isEmpty();
    assertThat(logs("--since", "1700000000", id).succeeded().text()).isEqualTo("one\ntwo\nlate");
    assertThat(logs("--tail", "2", "--since", late, id).succeeded().text()).isEqualTo("late");
    assertThat(logs("--tail", "2", "--since", "1h", id).succeeded().text()).isEqualTo("two\nlate");
  }

  @Test
  void aFollowerUntilATimeLeavesThen() throws Exception {
    String id = server.as("alice").start("--shell", "echo up; sleep 1000");
    awaitOutput(id, "up\n".length());
    String soon = Instant.now().plusMillis(500).toString();
    assertThat(logs("--until", soon, id).succeeded().text()).isEqualTo("up");
    assertThat(Instant.now()).isAfter(Instant.parse(soon));
  }

  @Test
  void linesOfSeveralJobsHaveTheirJobBeforeThem() {
    String first = ended("echo one; printf two");
    String second = ended("echo three >&2");
    Result result = logs("--color", "always", first, "no-such-job", second);
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.text().lines())
        .containsExactly(
            "\033[36m" + first.substring(0, 8) + "    |\033[0m one",
            "\033[36m" + first.substring(0, 8) + "    |\033[0m two");
    assertThat(result.err())
        .contains("\033[32m" + second.substring(0, 8) + "    |\033[0m three\n")
        .contains("job-worker: ", "no-such-job");
    assertThat(logs(first, second).succeeded().text())
        .isEqualTo(first.substring(0, 8) + " | one\n" + first.substring(0, 8) + " | two");
  }

  @Test
  void whenTheReaderOfSeveralJobsGoesAwayNoneIsWaitedFor() throws Exception {
    String running = server.as("alice").start("sleep 1000");
    String writing = server.as("alice").start("--shell", "while :; do echo y; done");
    Process logs = server.as("alice").spawn("logs", "-f", running, writing);
    logs.getInputStream().readNBytes(100);
    logs.getInputStream().close();
    CompletableFuture<byte[]> err = Programs.readAll(logs.getErrorStream());
    assertThat(logs.waitFor()).isZero();
    assertThat(err.join()).isEmpty();
    server.as("alice").run("stop", running, writing).succeeded();
  }

  @Test
  void jobsAreNamedByTheirLabelOrOnStandardInputToo() throws Exception {
    String label = "test=" + UUID.randomUUID();
    String first = server.as("alice").start("-l", label, "--", "echo", "one");
    String second = server.as("alice").start("-l", label, "--", "echo", "two");
    String both = second.substring(0, 8) + " | two\n" + first.substring(0, 8) + " | one";
    assertThat(logs("--label", label).succeeded().text().lines())
        .containsExactlyInAnyOrderElementsOf(both.lines().toList());
    Process piped = server.as("alice").spawn("logs", "-");
    try (OutputStream in = piped.getOutputStream()) {
      in.write((second + "\n").getBytes(US_ASCII));
    }
    assertThat(Programs.finished(piped).succeeded().text()).isEqualTo("two");
    assertThat(logs("--output", "-", second).succeeded().text()).isEqualTo("two");
    assertThat(logs("--label", "test=nobody").succeeded().out()).isEmpty();
    Path file = PublicDirectory.create().resolve("log");
    assertRefused(logs("--output", file.toString(), "--label", label), "one job's output");
    assertRefused(logs(), "name a job");
  }

  @Test
  void programsGetAnObjectALine() {
    String id = ended("printf 'a\\nb'");
    assertThat(logs("-o", "jsonl", id).succeeded().text().lines())
        .hasSize(2)
        .first()
        .asString()
        .startsWith("{\"id\":\"" + id + "\",\"stream\":\"stdout\",\"time\":\"")
        .endsWith(",\"offset\":0,\"text\":\"a\\n\"}");
  }

  @Test
  void aDownloadThatWasBrokenOffGoesOnInAnotherCall() throws Exception {
    Path directory = PublicDirectory.create();
    Path file = directory.resolve("log");
    String id =
        server.as("alice").start("--shell", "seq 1 1000; " + gate.waiting() + "; seq 1001 2000");
    Process download = server.as("alice").spawn("logs", "--output", file.toString(), id);
    Path part = directory.resolve("log.part");
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> Files.exists(part) && Files.readString(part).endsWith("\n1000\n"));
    download.destroyForcibly().waitFor();
    gate.open();
    Result result = logs("--output", file.toString(), id).succeeded();
    assertThat(result.out()).isEmpty();
    assertThat(result.err()).isEmpty();
    assertThat(Files.readAllBytes(file)).isEqualTo(logs(id).succeeded().out());
    assertThat(part).doesNotExist();
  }

  private static String timeOf(String text, String line) {
    String found = text.lines().filter(l -> l.endsWith(" " + line)).findFirst().orElseThrow();
    return found.substring(0, found.indexOf(' '));
  }

  @Test
  void eachLineCanHaveItsTimeBeforeIt() throws Exception {
    Instant before = Instant.now();
    String script =
        "echo one; printf 'two, '; " + gate.waiting() + "; echo still two; echo err >&2";
    String id = server.as("alice").start("--shell", script);
    awaitOutput(id, "one\ntwo, ".length());
    gate.open();
    server.log().event("job.ended", id);
    Result result = logs("-t", id).succeeded();
    assertThat(result.text().lines()).hasSize(2);
    assertThat(result.text().lines().map(line -> line.substring(28)))
        .containsExactly("one", "two, still two");
    assertThat(result.err()).endsWith("Z err\n");
    assertThat(Instant.parse(timeOf(result.text(), "one"))).isBetween(before, Instant.now());
  }

  @Test
  void oneStreamOfTheTwoCanBeHad() {
    String id = ended("echo out; echo err >&2; echo out again");
    assertThat(logs("--stream", "stdout", id).succeeded().err()).isEmpty();
    assertThat(logs("--stream", "stdout", id).text()).isEqualTo("out\nout again");
    assertThat(logs("--stream", "stderr", id).succeeded().out()).isEmpty();
    assertThat(logs("--stream", "stderr", id).err()).isEqualTo("err\n");
  }

  @Test
  void whatCannotBeUnderstoodIsSaidInOneLine() {
    String id = ended("echo x");
    assertRefused(logs("--since", "yesterday", id), "yesterday");
    assertRefused(logs("--tail", "-1", id), "must not be negative");
    assertRefused(logs("--tail", "1", "--offset", "1", id), "--offset says where to begin");
    assertRefused(logs("--follow", "--no-follow", id), "--follow and --no-follow");
    assertRefused(logs("--stream", "both", id), "both");
    Result negative = logs("--offset", "-1", id);
    assertThat(negative.exitCode()).isEqualTo(1);
    assertThat(negative.err()).contains("--offset -1");
  }

  private static void assertRefused(Result result, String word) {
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.err().lines().findFirst().orElse("")).contains(word);
  }

  // --- what the bytes are

  @Test
  void aLineOfTenMegabytesArrivesAsItIs() {
    String id = ended("head -c 10000000 /dev/zero | tr '\\0' x; echo end");
    byte[] out = logs(id).succeeded().out();
    byte[] expected = new byte[10_000_000];
    Arrays.fill(expected, (byte) 'x');
    assertThat(Arrays.copyOf(out, expected.length)).isEqualTo(expected);
    assertThat(new String(out, expected.length, out.length - expected.length, US_ASCII))
        .isEqualTo("end\n");
  }

  @Test
  void aWriterFasterThanItsReaderOverwritesAndTheReaderIsToldHowMuch() throws Exception {
    String script = "echo up; " + gate.waiting() + "; yes | head -c 50000000";
    String id = server.as("alice").start("--output-limit", "1M", "--shell", script);
    ManagedChannel channel = server.certificates().channel("alice");
    try {
      SlowReader reader = new SlowReader(channel, id);
      reader.takeOne(); // opened, and from here on overtaken
      gate.open();
      server.log().event("job.ended", id);
      reader.takeAll();
      assertThat(reader.status().getCode()).isEqualTo(Status.Code.OK);
      assertThat(reader.dropped.get()).isPositive();
      assertThat(reader.bytes.get() + reader.dropped.get()).isEqualTo(50_000_003);
    } finally {
      channel.shutdownNow();
    }
  }

  @Test
  void aJobWaitsForItsSlowestReaderWhereItIsToldTo() throws Exception {
    startWith("output.on-full", "block");
    String script = "echo up; " + gate.waiting() + "; yes | head -c 50000000";
    String id = server.as("alice").start("--output-limit", "1M", "--shell", script);
    ManagedChannel channel = server.certificates().channel("alice");
    try {
      SlowReader reader = new SlowReader(channel, id);
      reader.takeOne();
      gate.open();
      awaitOutput(id, 1 << 19); // most of what there is room for, without the reader
      assertThat(server.as("alice").status(id).path("status").asString()).isEqualTo("running");
      reader.takeAll();
      assertThat(reader.status().getCode()).isEqualTo(Status.Code.OK);
      assertThat(reader.dropped.get()).isZero();
      assertThat(reader.bytes.get()).isEqualTo(50_000_003);
    } finally {
      channel.shutdownNow();
    }
  }

  // --- streams that end before their job

  @Test
  void aClientThatTakesNothingLosesItsStreamAfterTheLimit() throws Exception {
    startWith("output.stall-limit", "1s");
    String script = "echo up; " + gate.waiting() + "; yes | head -c 20000000; sleep 1000";
    String id = server.as("alice").start("--shell", script);
    ManagedChannel channel = server.certificates().channel("alice");
    try {
      SlowReader reader = new SlowReader(channel, id);
      reader.takeOne();
      gate.open();
      awaitOutput(id, 20_000_003);
      assertThat(server.log().event("logs.closed", id).path("outcome").asString())
          .isEqualTo("stalled");
      reader.takeAll();
      assertThat(reader.status().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      assertThat(reader.status().getDescription()).contains("go on from offset");
      Result quick = logs("--no-follow", id).succeeded();
      assertThat(quick.out()).hasSize(20_000_003);
    } finally {
      channel.shutdownNow();
    }
  }

  /** A stream of which messages are taken one by one. */
  private static final class SlowReader {
    private final ClientCall<JobRequest, JobLogsResponse> call;
    private final CompletableFuture<Status> closed = new CompletableFuture<>();
    private final CompletableFuture<@Nullable Void> first = new CompletableFuture<>();
    final AtomicLong bytes = new AtomicLong();
    final AtomicLong dropped = new AtomicLong();

    SlowReader(ManagedChannel channel, String id) {
      call = channel.newCall(JobWorkerGrpc.getLogsMethod(), io.grpc.CallOptions.DEFAULT);
      call.start(
          new ClientCall.Listener<>() {
            @Override
            public void onMessage(JobLogsResponse message) {
              bytes.addAndGet(message.getLog().size());
              dropped.addAndGet(message.getDroppedBytes());
              first.complete(null);
            }

            @Override
            public void onClose(Status status, Metadata trailers) {
              closed.complete(status);
            }
          },
          new Metadata());
      call.sendMessage(JobRequest.newBuilder().setId(id).build());
      call.halfClose();
    }

    void takeOne() throws Exception {
      call.request(1);
      first.get(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }

    void takeAll() {
      call.request(Integer.MAX_VALUE);
    }

    Status status() throws Exception {
      return closed.get(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    }
  }
}
