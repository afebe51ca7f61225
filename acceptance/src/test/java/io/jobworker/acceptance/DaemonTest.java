package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.protobuf.util.Durations;
import com.google.protobuf.util.Timestamps;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.StatsOptions;
import io.jobworker.base.linux.ProcessCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What whoever runs the daemon sees of it: its log, what it leaves, its end. */
@Order(1)
@Timeout(600)
class DaemonTest {
  private static ServerProcess shared;

  @TempDir Path directory;

  private final Gate gate = new Gate();
  private ServerProcess server = shared;

  @BeforeAll
  static void startShared() {
    shared = ServerProcess.start(ServerToml.shipped(), ServerProcess.DAEMON);
  }

  @AfterAll
  static void stopShared() {
    shared.close();
  }

  /** For a test that ends its server, or looks at all that it has. */
  private void startOwn(ServerToml toml) {
    server = ServerProcess.start(toml);
  }

  @AfterEach
  void stopOwn() {
    if (server != shared) {
      server.close();
    }
  }

  @AfterEach
  void closeGate() throws IOException {
    gate.close();
  }

  private static void assertCaller(JsonNode event, String client) {
    assertThat(event.path("client").asString()).isEqualTo(client);
    assertThat(event.path("cn").asString()).isEqualTo(client);
    assertThat(event.path("peer").asString()).startsWith("127.0.0.1:");
    assertThat(event.path("serial").asString()).isNotEmpty();
  }

  @Test
  void aFollowerThatIsCutOffIsLoggedAndFreed() throws Exception {
    String id = server.as("alice").start("sleep 1000");
    Process logs = server.as("alice").spawn("logs", id);
    server.log().event("logs.opened", id);
    logs.destroyForcibly().waitFor();
    assertThat(server.log().event("logs.closed", id).path("outcome").asString())
        .isEqualTo("cancelled");
  }

  @Test
  void twoHundredJobsLeaveNothing() throws Exception {
    startOwn(ServerToml.shipped());
    ManagedChannel channel = server.certificates().channel("alice");
    try {
      JobWorkerGrpc.JobWorkerBlockingStub client = JobWorkerGrpc.newBlockingStub(channel);
      runJobs(client, 20); // whatever is opened once is open now
      int before = descriptors();
      runJobs(client, 200);
      await().atMost(Programs.PATIENCE).until(() -> descriptors() <= before);
      await().atMost(Programs.PATIENCE).until(() -> children().isEmpty());
      await().atMost(Programs.PATIENCE).until(() -> server.jobCgroups().isEmpty());
      await()
          .atMost(Programs.PATIENCE)
          .ignoreExceptionsMatching(e -> e.getCause() instanceof NoSuchFileException)
          .until(() -> specialFiles(server.directory().resolve("state/jobs")).isEmpty());
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  private static List<Path> specialFiles(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      return files.filter(file -> !Files.isRegularFile(file) && !Files.isDirectory(file)).toList();
    }
  }

  private static void runJobs(JobWorkerGrpc.JobWorkerBlockingStub client, int count) {
    JobSpec spec =
        JobSpec.newBuilder().addAllCommand(List.of("sh", "-c", "echo hello; exit 3")).build();
    for (int i = 0; i < count; i++) {
      String id = client.start(JobRequest.newBuilder().setSpec(spec).build()).getId();
      JobRequest request = JobRequest.newBuilder().setId(id).build();
      StringBuilder output = new StringBuilder();
      client.logs(request).forEachRemaining(m -> output.append(m.getLog().toStringUtf8()));
      assertThat(output).hasToString("hello\n");
      assertThat(client.status(request).getExitCode()).isEqualTo(3);
    }
  }

  /** Waits until the job has said something. */
  private void awaitOutput(String id) {
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> server.as("alice").status(id).path("outputBytes").asLong() > 0);
  }

  private List<ProcessHandle> children() {
    return ProcessHandle.of(server.pid()).orElseThrow().children().toList();
  }

  private int descriptors() throws IOException {
    try (Stream<Path> entries = Files.list(Path.of("/proc/" + server.pid() + "/fd"))) {
      return (int) entries.count();
    }
  }

  /** Each job is a session of its own: where no cgroup says otherwise, many would starve it. */
  @Test
  void aDaemonsSessionWeighsMoreThanThatOfAJob() throws Exception {
    Path weight = Path.of("/proc/" + server.pid() + "/autogroup");
    assumeTrue(ProcessCalls.isRoot() && Files.exists(weight));
    assertThat(weight).content().endsWith("nice -10\n");
  }

  @Test
  void usageIsStreamedUntilTheJobEndsAndTheLastFiguresAreFinal() throws Exception {
    String id = server.as("alice").start("sleep 1000");
    ManagedChannel channel = server.certificates().channel("alice");
    try {
      JobWorkerGrpc.JobWorkerBlockingStub client = JobWorkerGrpc.newBlockingStub(channel);
      StatsOptions often = StatsOptions.newBuilder().setInterval(Durations.fromMillis(100)).build();
      JobRequest request = JobRequest.newBuilder().setId(id).build();
      Iterator<JobStats> stats = client.stats(request.toBuilder().setStats(often).build());
      JobStats first = stats.next();
      JobStats second = stats.next();
      assertThat(Timestamps.compare(first.getTime(), second.getTime())).isNegative();
      client.stop(request);
      JobStats last = second;
      while (stats.hasNext()) {
        last = stats.next();
      }
      assertThat(last).isEqualTo(client.status(request).getUsage());
      StatsOptions tooOften =
          StatsOptions.newBuilder().setInterval(Durations.fromMillis(1)).build();
      assertThatThrownBy(
              () -> client.stats(request.toBuilder().setStats(tooOften).build()).hasNext())
          .hasMessageContaining("stats.interval");
    } finally {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void aListHoldsTheCallersJobsOnly() throws Exception {
    server.addClient("carol");
    String id = server.as("carol").start("true");
    ManagedChannel carol = server.certificates().channel("carol");
    ManagedChannel bob = server.certificates().channel("bob");
    try {
      ListJobsRequest all = ListJobsRequest.getDefaultInstance();
      assertThat(JobWorkerGrpc.newBlockingStub(carol).list(all).getJobsList())
          .extracting(JobStatusResponse::getId)
          .containsExactly(id);
      JobWorkerGrpc.JobWorkerBlockingStub other = JobWorkerGrpc.newBlockingStub(bob);
      assertThat(other.list(all).getJobsList()).isEmpty();
      assertThatThrownBy(() -> other.list(all.toBuilder().setOwner("carol").build()))
          .hasMessageContaining("PERMISSION_DENIED");
    } finally {
      carol.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
      bob.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  @Test
  void sigtermEndsItCleanlyAndJobsRunOn() throws Exception {
    startOwn(ServerToml.shipped());
    String id = server.as("alice").start("--shell", "echo up; sleep 1000");
    server.log().event("job.started", id);
    awaitOutput(id);
    long pid = server.as("alice").status(id).path("pid").asLong();
    assertThat(server.terminate()).isZero();
    assertThat(server.directory().resolve("run/address")).doesNotExist();
    assertThat(server.log().events("server.stopped")).hasSize(1);
    assertThat(ProcessHandle.of(pid)).isPresent();
    server.kill();
    server.restart();
    assertThat(server.as("alice").run("logs", "--no-follow", id).succeeded().text())
        .isEqualTo("up");
    assertThat(server.as("alice").run("stop", id).succeeded().text()).contains("  stopped");
  }

  @Test
  void killedInTheMiddleItLosesNoByteAndNoExitStatus() throws Exception {
    startOwn(ServerToml.shipped());
    String id =
        server
            .as("alice")
            .start("--shell", "seq 1 200000; " + gate.waiting() + "; seq 200001 400000; exit 6");
    server.kill();
    gate.open();
    server.restart();
    byte[] output = server.as("alice").run("logs", id).succeeded().out();
    List<String> expected = new ArrayList<>();
    for (int i = 1; i <= 400000; i++) {
      expected.add(Integer.toString(i));
    }
    assertThat(new String(output, java.nio.charset.StandardCharsets.US_ASCII).lines().toList())
        .isEqualTo(expected);
    assertThat(server.as("alice").status(id).path("exitCode").asInt()).isEqualTo(6);
  }

  @Test
  void whoeverFollowsWhileTheServerIsKilledGetsEveryByteOnce() throws Exception {
    startOwn(ServerToml.shipped());
    String id =
        server
            .as("alice")
            .start("--shell", "seq 1 300000; " + gate.waiting() + "; seq 300001 600000; echo end");
    Path copy = Files.createTempFile("job-worker-follower-", ".out");
    Path said = Files.createTempFile("job-worker-follower-", ".err");
    Process follower =
        server
            .as("alice")
            .process("logs", id)
            .redirectOutput(copy.toFile())
            .redirectError(said.toFile())
            .start();
    await().atMost(Programs.PATIENCE).until(() -> Files.size(copy) > 0);
    server.kill();
    server.restart();
    gate.open();
    assertThat(follower.waitFor(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(follower.exitValue()).isZero();
    assertThat(Files.readAllBytes(copy))
        .isEqualTo(server.as("alice").run("logs", id).succeeded().out());
    assertThat(Files.readString(copy)).startsWith("1\n2\n").endsWith("600000\nend\n");
    assertThat(Files.readString(said)).contains("connection lost", "going on at offset");
    Files.delete(copy);
    Files.delete(said);
  }

  @Test
  void anEndedJobIsForgottenOnRequestAndARunningOneIsNot() {
    String ended = server.as("alice").start("true");
    server.log().event("job.ended", ended);
    String running = server.as("alice").start("sleep 1000");
    Result refused = server.as("alice").run("rm", running);
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err()).contains("stop it first");
    assertThat(server.as("bob").run("rm", ended).err()).contains("no such job");
    server.as("alice").remove(ended).succeeded();
    assertThat(server.as("alice").run("status", ended).err()).contains("no such job");
    assertThat(server.directory().resolve("state/jobs").resolve(ended)).doesNotExist();
    assertCaller(server.log().event("job.removed", ended), "alice");
  }

  @Test
  void jobsOutliveAnOrderlyEndUnlessTheyAreToBeStopped() throws Exception {
    startOwn(ServerToml.shipped());
    String kept = server.as("alice").start("sleep 1000");
    assertThat(server.terminate()).isZero();
    server.restart();
    assertThat(server.as("alice").status(kept).path("status").asString()).isEqualTo("running");
    server.as("alice").run("stop", kept).succeeded();
    assertThat(server.terminate()).isZero();
    server.configure(ServerToml.shipped().with("shutdown.jobs", "stop"));
    server.restart();
    String stopped =
        server.as("alice").start("--shell", "trap 'exit 4' TERM; echo up; while :; do :; done");
    awaitOutput(stopped);
    assertThat(server.terminate()).isZero();
    server.restart();
    JsonNode job = server.as("alice").status(stopped);
    assertThat(job.path("status").asString()).isEqualTo("stopped");
    assertThat(job.path("exitCode").asInt()).isEqualTo(4);
  }

  @Test
  void whereItsJobsAreToBeStoppedNoneIsLeftOfThoseThatBeginWhileItIsEnded() throws Exception {
    startOwn(ServerToml.withoutQuotas().with("shutdown.jobs", "stop"));
    ManagedChannel channel = server.certificates().channel("alice");
    JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel);
    JobSpec spec = JobSpec.newBuilder().addCommand("sleep").addCommand("1000").build();
    CountDownLatch begun = new CountDownLatch(12);
    List<CompletableFuture<List<String>>> starters = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      starters.add(
          CompletableFuture.supplyAsync(
              () -> {
                List<String> started = new ArrayList<>();
                try {
                  while (true) {
                    started.add(calls.start(JobRequest.newBuilder().setSpec(spec).build()).getId());
                    begun.countDown();
                  }
                } catch (StatusRuntimeException e) {
                  return started;
                }
              },
              task -> Thread.ofVirtual().start(task)));
    }
    assertThat(begun.await(60, TimeUnit.SECONDS)).isTrue();
    assertThat(server.terminate()).isZero();
    server.restart();
    for (CompletableFuture<List<String>> starter : starters) {
      for (String id : starter.get(60, TimeUnit.SECONDS)) {
        assertThat(calls.withWaitForReady().status(JobRequest.newBuilder().setId(id).build()))
            .extracting(JobStatusResponse::getStatus)
            .isEqualTo("stopped");
      }
    }
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
  }

  @Test
  void aServerTakesItsClassesFromTheArchiveThatWasMadeOfThem() throws Exception {
    assertThat(Files.readString(Path.of("/proc/" + server.pid() + "/maps")))
        .contains("job-worker-server.jsa");
  }

  @Test
  void aSecondServerOnTheSameDirectoryIsRefusedAndWritesNothing() throws Exception {
    Path audit = server.directory().resolve("audit/audit.jsonl");
    server.log().anyEvent("server.listening");
    List<String> before = serverLines(audit);
    Result second = server.refusal();
    assertThat(second.exitCode()).isEqualTo(1);
    assertThat(second.err()).contains("is in use by another job-worker-server");
    assertThat(serverLines(audit)).isEqualTo(before).isNotEmpty();
  }

  private static List<String> serverLines(Path audit) throws IOException {
    return Files.readAllLines(audit).stream().filter(line -> line.contains("\"server.")).toList();
  }

  @Test
  void anAuditLogThatWasMovedIsBegunAnewAtSighup() throws Exception {
    server = ServerProcess.start(ServerToml.shipped(), List.of("env", "--default-signal=HUP"));
    Path audit = server.directory().resolve("audit/audit.jsonl");
    Path moved = Files.move(audit, audit.resolveSibling("moved"));
    String before = server.as("alice").start("true");
    signalHup();
    await().atMost(Programs.PATIENCE).until(() -> Files.exists(audit));
    String after = server.as("alice").start("true");
    assertThat(moved).content().contains(before).doesNotContain(after);
    assertThat(audit).content().contains(after);
    assertThat(Files.getPosixFilePermissions(audit))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    assertThat(audit.resolveSibling("audit.jsonl.1")).doesNotExist();
  }

  private void signalHup() {
    var _ =
        Programs.run(List.of("kill", "-HUP", Long.toString(server.pid())), Map.of()).succeeded();
  }

  @Test
  void sighupToAServerThatStillStartsDoesNotEndIt() throws Exception {
    Path pid = directory.resolve("pid");
    String tellingPid = "echo $$ >\"$0\"; exec env --default-signal=HUP \"$@\"";
    server =
        ServerProcess.start(ServerToml.shipped(), List.of("sh", "-c", tellingPid, pid.toString()));
    server.kill();
    Path config = server.directory().resolve("server.toml");
    Path text = Files.move(config, directory.resolve("text"));
    var _ = Programs.run(List.of("mkfifo", "-m", "600", config.toString()), Map.of()).succeeded();
    Process signalling = // as soon as somebody reads the configuration
        new ProcessBuilder(
                "timeout",
                "120",
                "sh",
                "-c",
                "exec >\"$0\"; kill -HUP \"$(cat \"$1\")\"; cat \"$2\"",
                config.toString(),
                pid.toString(),
                text.toString())
            .start();
    server.restart();
    assertThat(signalling.waitFor()).isZero();
    server.as("alice").start("true");
  }
}
