package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.acceptance.support.CliRun;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.PublicDirectory;
import io.jobworker.acceptance.support.ServerProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What signals to {@code job-worker run} do to its job. */
@Timeout(600)
class RunSignalsTest {
  private static ServerProcess server;

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void controlCInterruptsTheJobWhichEndsAsItLikes() throws Exception {
    try (CliRun run =
        new CliRun(
            server.as("alice"), "trap 'echo bye; exit 5' INT; echo up; while :; do :; done")) {
      run.signal("INT");
      assertThat(run.exitCode()).isEqualTo(5);
      assertThat(run.out()).hasContent("up\nbye\n");
      assertThat(run.err()).hasContent("");
    }
  }

  @Test
  void controlCAtTwiceKillsAJobThatWillNotEnd() throws Exception {
    String script = "trap 'echo int' INT; echo up; while :; do sleep 0.05; done";
    try (CliRun run = new CliRun(server.as("alice"), script)) {
      // On a busy machine the second may come too late to be one.
      for (int sent = 1; run.isAlive(); sent++) {
        run.signal("INT");
        int all = sent;
        await()
            .atMost(Programs.PATIENCE)
            .until(() -> Files.readAllLines(run.out()).size() > all || !run.isAlive());
      }
      assertThat(run.exitCode()).isEqualTo(137);
      assertThat(run.err()).hasContent("");
    }
  }

  @Test
  void terminationIsPassedOn() throws Exception {
    try (CliRun run =
        new CliRun(server.as("alice"), "trap 'exit 6' TERM; echo up; while :; do :; done")) {
      run.signal("TERM");
      assertThat(run.exitCode()).isEqualTo(6);
    }
  }

  @Test
  void aClosedTerminalAndADeadCommandLineLeaveTheJobRunning() throws Exception {
    Gate gate = new Gate();
    String script = "echo up; " + gate.waiting() + "; echo done";
    String id;
    try (CliRun run = new CliRun(server.as("alice"), script)) {
      id = run.id();
      run.signal("HUP");
      assertThat(run.exitCode()).isEqualTo(129);
      assertThat(run.err()).content().contains("goes on", id);
    }
    assertThat(server.as("alice").status(id).path("status").asString()).isEqualTo("running");
    gate.open();
    assertThat(server.as("alice").run("logs", id).text()).isEqualTo("up\ndone");
    gate.close();
  }

  @Test
  void whereNobodyReadsItsOutputTheJobGetsSigpipe() throws Exception {
    String script = "while :; do echo y; done"; // never so fast that its output is overwritten
    Path file = PublicDirectory.create().resolve("id");
    Process run =
        server
            .as("alice")
            .process("run", "--no-stdin", "--id-file", file.toString(), "sh", "-c", script)
            .start();
    run.getInputStream().readNBytes(10);
    run.getInputStream().close();
    CompletableFuture<byte[]> err = Programs.readAll(run.getErrorStream());
    assertThat(run.waitFor()).isEqualTo(141);
    assertThat(err.join()).isEmpty();
    String id = Files.readString(file).strip();
    server.log().event("job.ended", id);
    assertThat(server.as("alice").status(id).path("signal").asInt()).isEqualTo(13);
  }
}
