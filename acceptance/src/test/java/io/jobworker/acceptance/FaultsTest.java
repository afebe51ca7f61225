package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.RunningServer.Result;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/**
 * A host that is out of something: running jobs are not harmed, new work is refused and told why,
 * and all is well again when the cause is gone.
 */
@Timeout(180)
class FaultsTest {
  private static final Path HERE = PublicDirectory.create();

  /** Ticks until it is told to go, then ends with 7. */
  private static final String TICKING =
      "i=0; while [ ! -e %1$s ]; do i=$((i+1)); echo tick $i; sleep 0.02; done; echo done; exit 7";

  private @Nullable RunningServer running;
  private @Nullable Path smallDisk;
  private final Path go = HERE.resolve("go");

  @AfterEach
  void stop() throws Exception {
    Files.deleteIfExists(go);
    if (running != null) {
      running.close();
    }
    if (smallDisk != null) {
      run("umount", smallDisk.toString());
      Files.delete(smallDisk);
    }
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }

  private RunningServer onSmallDisk() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a small disk");
    Path disk = Files.createTempDirectory("job-worker-small-disk-");
    run("mount", "-t", "tmpfs", "-o", "size=24m,mode=0700", "none", disk.toString());
    smallDisk = disk;
    String setting = "directory = \"" + disk.resolve("state") + "\"";
    RunningServer server =
        RunningServer.start(toml -> toml.replaceFirst("(?m)^directory = \"state\"", setting));
    running = server;
    return server;
  }

  private static Path fill(Path disk) throws IOException {
    Path filler = disk.resolve("filler");
    try (OutputStream out = new FileOutputStream(filler.toFile())) {
      while (true) {
        out.write(new byte[4096]);
      }
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("No space left");
    }
    return filler;
  }

  private String ticking(RunningServer server) {
    return server.startJob("alice", "--shell", TICKING.formatted(go));
  }

  /** The job's last tick so far. */
  private static long written(RunningServer server, String job) {
    return server.status("alice", job).path("outputBytes").asLong();
  }

  private static void awaitProgress(RunningServer server, String job) {
    long before = written(server, job);
    await().until(() -> written(server, job) > before);
  }

  @Test
  void aFullDiskHarmsNoRunningJobRefusesNewOnesAndIsOverWhenThereIsRoom() throws Exception {
    RunningServer server = onSmallDisk();
    String job = ticking(server);
    awaitProgress(server, job);
    Path filler = fill(java.util.Objects.requireNonNull(smallDisk));

    Result refused = server.cli("alice", "start", "true");
    assertThat(refused.exitCode()).isNotZero();
    assertThat(refused.err())
        .containsAnyOf("No space left on device", "disk is full")
        .hasLineCount(1);
    awaitProgress(server, job); // the job writes on; what cannot be kept is counted
    assertThat(server.status("alice", job).path("status").asString()).isEqualTo("running");

    Files.delete(filler);
    assertThat(server.cli("alice", "logs", server.startJob("alice", "echo well")).text())
        .isEqualTo("well");
    awaitProgress(server, job);
    Files.createFile(go);
    server.event("job.ended", job);
    JsonNode ended = server.status("alice", job);
    assertThat(ended.path("exitCode").asInt()).isEqualTo(7);
    Result logs = server.cli("alice", "logs", job).succeeded();
    assertThat(logs.text()).endsWith("done");
    assertThat(logs.out().length + ended.path("outputDroppedBytes").asLong())
        .isEqualTo(ended.path("outputBytes").asLong());
  }

  @Test
  void anEndOnAFullDiskIsNotLost() throws Exception {
    RunningServer server = onSmallDisk();
    String job = ticking(server);
    awaitProgress(server, job);
    Path filler = fill(java.util.Objects.requireNonNull(smallDisk));
    Files.createFile(go);
    await()
        .until(
            () -> !ProcessHandle.of(server.status("alice", job).path("pid").asLong()).isPresent());
    Files.delete(filler);
    server.event("job.ended", job);
    assertThat(server.status("alice", job).path("exitCode").asInt()).isEqualTo(7);
  }

  @Test
  void aServerThatDiesOnAFullDiskFindsItsJobsAgain() throws Exception {
    RunningServer server = onSmallDisk();
    String job = ticking(server);
    awaitProgress(server, job);
    Path filler = fill(java.util.Objects.requireNonNull(smallDisk));
    server.kill();
    Files.delete(filler);
    server.restart();
    awaitProgress(server, job);
    Files.createFile(go);
    server.event("job.ended", job);
    assertThat(server.status("alice", job).path("exitCode").asInt()).isEqualTo(7);
  }

  @Test
  void aServerOutOfDescriptorsRefusesNewJobsAndHarmsNone() throws Exception {
    RunningServer server =
        RunningServer.start(
            toml -> toml, List.of("/bin/sh", "-c", "ulimit -n 160; exec \"$0\" \"$@\""));
    running = server;
    List<String> jobs = new ArrayList<>();
    Result refused = server.cli("alice", "start", "--shell", TICKING.formatted(go));
    while (refused.exitCode() == 0) {
      jobs.add(refused.text());
      refused = server.cli("alice", "start", "--shell", TICKING.formatted(go));
    }
    assertThat(jobs).hasSizeGreaterThan(3);
    assertThat(refused.err()).contains("Too many open files");
    String first = jobs.getFirst();
    server.cli("alice", "stop", jobs.removeLast()).succeeded();
    server.cli("alice", "stop", jobs.removeLast()).succeeded();
    // What the stopped ones held is let go of beside the answers.
    await().until(() -> server.cli("alice", "status", first).exitCode() == 0);
    awaitProgress(server, first);
    assertThat(server.cli("alice", "logs", server.startJob("alice", "echo well")).text())
        .isEqualTo("well");
    Files.createFile(go);
    for (String job : jobs) {
      server.event("job.ended", job);
      assertThat(server.status("alice", job).path("exitCode").asInt()).isEqualTo(7);
    }
  }
}
