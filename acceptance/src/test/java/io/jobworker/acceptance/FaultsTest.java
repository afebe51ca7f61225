package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.Reason;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A host that is out of something: running jobs are not harmed, new work is refused and told why,
 * and all is well again when the cause is gone.
 */
@Order(1)
@Timeout(600)
class FaultsTest {
  private static final String END = "; echo done; exit 7";

  private @Nullable ServerProcess running;
  private @Nullable Path smallDisk;
  private final Gate gate = new Gate();
  private final Gate others = new Gate(); // where those wait that need not write

  @AfterEach
  void stop() throws Exception {
    if (running != null) {
      running.close();
    }
    gate.close();
    others.close();
    if (smallDisk != null) {
      run("umount", smallDisk.toString());
      Files.delete(smallDisk);
    }
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }

  private ServerProcess onSmallDisk() throws Exception {
    return onSmallDisk("24m", "state.directory", "state");
  }

  private ServerProcess onSmallDisk(String size, String key, String name) throws Exception {
    Path disk = mount("size=" + size);
    return running(
        ServerProcess.start(ServerToml.shipped().with(key, disk.resolve(name).toString())));
  }

  private Path mount(String options) throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a disk");
    Path disk = Files.createTempDirectory("job-worker-small-disk-");
    run("mount", "-t", "tmpfs", "-o", "mode=0700," + options, "none", disk.toString());
    smallDisk = disk;
    return disk;
  }

  private ServerProcess running(ServerProcess server) {
    running = server;
    return server;
  }

  /** What it unpacks in order to load it goes there first. */
  private static List<String> withTemporaryFilesIn(Path directory) {
    return List.of("/usr/bin/env", "JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=" + directory);
  }

  private static Path fill(Path disk) throws IOException {
    Path filler = disk.resolve("filler");
    try (OutputStream out = new FileOutputStream(filler.toFile(), true)) {
      while (true) {
        out.write(new byte[4096]);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
    return filler;
  }

  /** Writes more than a page when it is told to, then ends with 7. */
  private String ticking(ServerProcess server) {
    return server.as("alice").start("--shell", gate.ticking("printf '%05000d\\n' 1") + END);
  }

  /** The job's last tick so far. */
  private static long written(ServerProcess server, String job) {
    return server.as("alice").status(job).path("outputBytes").asLong();
  }

  private void awaitProgress(ServerProcess server, String job) throws IOException {
    long before = written(server, job);
    gate.tick();
    await().atMost(Programs.PATIENCE).until(() -> written(server, job) > before);
  }

  @Test
  void aFullDiskHarmsNoRunningJobRefusesNewOnesAndIsOverWhenThereIsRoom() throws Exception {
    ServerProcess server = onSmallDisk();
    String job = ticking(server);
    awaitProgress(server, job);
    Path filler = fill(Objects.requireNonNull(smallDisk));

    Result refused = server.as("alice").run("start", "true");
    assertThat(refused.exitCode()).isNotZero();
    assertThat(refused.err())
        .containsAnyOf("No space left on device", "disk is full")
        .hasLineCount(1);
    awaitProgress(server, job); // the job writes on; what cannot be kept is counted
    assertThat(server.as("alice").status(job).path("status").asString()).isEqualTo("running");

    Files.delete(filler);
    assertThat(server.as("alice").run("logs", server.as("alice").start("echo well")).text())
        .isEqualTo("well");
    awaitProgress(server, job);
    gate.open();
    server.log().event("job.ended", job);
    JsonNode ended = server.as("alice").status(job);
    assertThat(ended.path("exitCode").asInt()).isEqualTo(7);
    Result logs = server.as("alice").run("logs", "--raw", job).succeeded();
    assertThat(logs.text()).endsWith("done");
    assertThat(ended.path("outputDroppedBytes").asLong()).isPositive();
    assertThat(logs.out().length + ended.path("outputDroppedBytes").asLong())
        .isEqualTo(ended.path("outputBytes").asLong());
  }

  @Test
  void onAFullDiskJobsEndAreStoppedAndRemovedAndAServerBegins() throws Exception {
    ServerProcess server = onSmallDisk();
    String over = server.as("alice").start("--", "head", "-c", "1000000", "/dev/zero");
    server.log().event("job.ended", over);
    String ending = server.as("alice").start("--shell", others.waiting() + "; exit 5");
    String stopped = ticking(server);
    String later = server.as("alice").start("--shell", gate.waiting() + "; exit 6");
    Path filler = fill(Objects.requireNonNull(smallDisk));
    others.open();
    server.log().event("job.ended", ending);
    assertThat(server.as("alice").status(ending).path("exitCode").asInt()).isEqualTo(5);
    server.as("alice").run("stop", stopped).succeeded();
    assertThat(server.as("alice").status(stopped).path("status").asString()).isEqualTo("stopped");
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> server.as("alice").run("rm", over).exitCode() == 0);
    assertThat(server.as("alice").run("start", "true").err()).contains("disk is full");
    assertThat(server.admin("check").text())
        .containsPattern("room +the job database's disk is full: .*until then no job is started");

    server.kill(); // the next one finds what room there is left
    server.restart();
    gate.open();
    server.log().event("job.ended", later);
    assertThat(server.as("alice").status(later).path("exitCode").asInt()).isEqualTo(6);
    server.as("alice").remove(ending).succeeded();
    Files.delete(filler);
    await().atMost(Programs.PATIENCE).until(() -> isWell(server));
  }

  /** Its jobs, its clients, what it unpacks in order to load it: all on the one disk. */
  @Test
  void aServerBeginsOnADiskOnWhichNothingElseHasRoom() throws Exception {
    Path disk = mount("size=24m");
    Path temporary = Files.createDirectory(disk.resolve("tmp"));
    Path moved = disk.resolve("server");
    ServerProcess server =
        running(ServerProcess.start(ServerToml.shipped(), withTemporaryFilesIn(temporary)));
    String job = server.as("alice").start("--", "sh", "-c", "exit 6");
    server.log().event("job.ended", job);
    server.kill();
    run("cp", "-a", server.directory().toString(), moved.toString());
    run("mount", "--bind", moved.toString(), server.directory().toString());
    try {
      fill(disk);
      server.restart();
      assertThat(server.as("alice").status(job).path("exitCode").asInt()).isEqualTo(6);
      server.kill();
    } finally {
      run("umount", server.directory().toString());
    }
  }

  @Test
  void aServerBeginsWhereNothingCanBeExecutedFromTheDirectoryForTemporaryFiles() throws Exception {
    ServerProcess server =
        running(
            ServerProcess.start(
                ServerToml.shipped(), withTemporaryFilesIn(mount("noexec,size=24m"))));
    assertThat(server.as("alice").run("logs", server.as("alice").start("echo well")).text())
        .isEqualTo("well");
  }

  @Test
  void whatCannotBeAuditedIsNotBegunAndIsToldAfterwards() throws Exception {
    ServerProcess server = onSmallDisk("4m", "audit.file", "audit.jsonl");
    Path disk = Objects.requireNonNull(smallDisk);
    Path audit = disk.resolve("audit.jsonl");
    String first = server.as("alice").start("--shell", gate.waiting());
    String second = server.as("alice").start("--shell", gate.waiting());
    Path filler = fill(disk);
    server.as("alice").run("stop", first).succeeded();
    await().atMost(Programs.PATIENCE).until(() -> tells(audit, "job.ended", first));
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> {
          server.as("bob").run("status", first); // which is refused, and told
          return Files.notExists(disk.resolve("audit.jsonl.reserve"));
        });
    Result refused = server.as("alice").run("start", "true");
    assertThat(refused.exitCode()).isNotZero();
    assertThat(refused.err()).contains("the audit log's disk is full").hasLineCount(1);

    fill(disk);
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> {
          server.as("bob").run("status", first);
          return !server.log().events("audit.not_written").isEmpty();
        });
    server.as("alice").run("stop", second).succeeded();
    assertThat(server.as("alice").run("start", "true").err())
        .containsPattern("the audit log('s disk is full| cannot be written, and lines are lost)")
        .hasLineCount(1);

    Files.delete(filler);
    String well = server.as("alice").start("true");
    assertThat(tells(audit, "job.started", well)).isTrue();
    JsonNode lost =
        lines(audit).stream()
            .filter(line -> line.path("event").asString().equals("audit.lost"))
            .findFirst()
            .orElseThrow();
    assertThat(lost.path("lines").asInt()).isPositive();
    assertThat(lost.path("outcome").asString()).isEqualTo("failed");
    assertThat(lost.propertyNames()).containsExactlyInAnyOrder("time", "event", "outcome", "lines");
    server.terminate();
    assertThat(Files.readAllLines(audit)).hasSameSizeAs(lines(audit)); // each of them is whole
  }

  /** All of them, but for one that is on its way. */
  private static List<JsonNode> lines(Path audit) throws IOException {
    JsonMapper json = new JsonMapper();
    return Files.readAllLines(audit).stream()
        .filter(line -> line.endsWith("}"))
        .map(json::readTree)
        .toList();
  }

  private static boolean tells(Path audit, String event, String job) throws IOException {
    return lines(audit).stream()
        .anyMatch(line ->
            line.path("event").asString().equals(event) && line.path("job").asString().equals(job));
  }

  @Test
  void anEndOnAFullDiskIsNotLost() throws Exception {
    ServerProcess server = onSmallDisk();
    String job = ticking(server);
    awaitProgress(server, job);
    Path filler = fill(Objects.requireNonNull(smallDisk));
    gate.tick();
    gate.open();
    await()
        .atMost(Programs.PATIENCE)
        .until(() ->
            !ProcessHandle.of(server.as("alice").status(job).path("pid").asLong()).isPresent());
    Files.delete(filler);
    server.log().event("job.ended", job);
    assertThat(server.as("alice").status(job).path("exitCode").asInt()).isEqualTo(7);
  }

  @Test
  void aServerThatDiesOnAFullDiskFindsItsJobsAgain() throws Exception {
    ServerProcess server = onSmallDisk();
    String job = ticking(server);
    awaitProgress(server, job);
    Path filler = fill(Objects.requireNonNull(smallDisk));
    gate.tick();
    server.kill();
    gate.tick();
    Files.delete(filler);
    server.restart();
    awaitProgress(server, job);
    gate.open();
    server.log().event("job.ended", job);
    assertThat(server.as("alice").status(job).path("exitCode").asInt()).isEqualTo(7);
  }

  /** Each limit is reached at another step of a start. */
  @ParameterizedTest
  @ValueSource(ints = {192, 193, 194, 195})
  void aServerOutOfDescriptorsRefusesNewJobsAndHarmsNone(int descriptors) throws Exception {
    String limited = "ulimit -n " + descriptors + "; exec \"$0\" \"$@\"";
    ServerProcess server =
        ServerProcess.start(ServerToml.shipped(), List.of("/bin/sh", "-c", limited));
    running = server;
    String first = ticking(server);
    List<String> jobs = new ArrayList<>(List.of(first));
    Result refused = server.as("alice").run("start", "--shell", others.waiting() + END);
    while (refused.exitCode() == 0) {
      jobs.add(refused.text());
      refused = server.as("alice").run("start", "--shell", others.waiting() + END);
    }
    assertThat(jobs).hasSizeGreaterThan(3);
    assertThat(refused.err()).contains("Too many open files");
    server.as("alice").run("stop", jobs.removeLast()).succeeded();
    server.as("alice").run("stop", jobs.removeLast()).succeeded();
    // What the stopped ones held is let go of beside the answers.
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> server.as("alice").run("status", first).exitCode() == 0);
    awaitProgress(server, first);
    await().atMost(Programs.PATIENCE).until(() -> isWell(server));
    gate.open();
    others.open();
    for (String job : jobs) {
      server.log().event("job.ended", job);
      assertThat(server.as("alice").status(job).path("exitCode").asInt()).isEqualTo(7);
    }
  }

  @Test
  void endsThatComeWhileThereAreNoDescriptorsAreToldAsTheyWere() throws Exception {
    ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas());
    running = server;
    ManagedChannel channel = server.certificates().channel("alice");
    JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel);
    List<String> jobs = new ArrayList<>();
    for (int code = 0; code < 40; code++) {
      String script = others.waiting() + "; exit " + code;
      JobSpec spec = JobSpec.newBuilder().addAllCommand(List.of("/bin/sh", "-c", script)).build();
      jobs.add(calls.start(JobRequest.newBuilder().setSpec(spec).build()).getId());
    }
    assertThat(calls.status(JobRequest.newBuilder().setId(jobs.getFirst()).build()).getStatus())
        .isEqualTo("running");
    limitDescriptors(server, nextDescriptor(server));
    others.open();
    jobs.forEach(job -> server.log().event("job.ended", job));
    limitDescriptors(server, 4096);
    for (int code = 0; code < jobs.size(); code++) {
      JobStatusResponse job = calls.status(JobRequest.newBuilder().setId(jobs.get(code)).build());
      assertThat(job.getReason()).isEqualTo(Reason.REASON_EXITED);
      assertThat(job.getExitCode()).isEqualTo(code);
    }
    channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
  }

  /** The number that the next one would get: with this as the limit there is none left. */
  private static int nextDescriptor(ServerProcess server) throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/" + server.pid() + "/fd"))) {
      Set<Integer> taken =
          open.map(fd -> Integer.valueOf(fd.getFileName().toString())).collect(Collectors.toSet());
      return IntStream.iterate(0, fd -> fd + 1)
          .filter(fd -> !taken.contains(fd))
          .findFirst()
          .orElseThrow();
    }
  }

  private static void limitDescriptors(ServerProcess server, int most) throws Exception {
    run("prlimit", "--pid", Long.toString(server.pid()), "--nofile=" + most + ":");
  }

  private static boolean isWell(ServerProcess server) {
    Result started = server.as("alice").run("start", "echo well");
    return started.exitCode() == 0
        && server.as("alice").run("logs", started.text()).text().equals("well");
  }
}
