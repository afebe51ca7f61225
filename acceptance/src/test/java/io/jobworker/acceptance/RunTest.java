package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.acceptance.support.Cli;
import io.jobworker.acceptance.support.CliRun;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.PublicDirectory;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A job as if it were a program here: {@code job-worker run}. */
@Timeout(600)
class RunTest {
  private static ServerProcess server;
  private final Path directory = PublicDirectory.create();

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Cli alice() {
    return server.as("alice");
  }

  /** In a JVM that is up, whose own standard input is no job's. */
  private static Result run(String... arguments) {
    return alice().run(words(arguments));
  }

  private static String[] words(String... arguments) {
    List<String> words = new ArrayList<>(List.of("run", "--no-stdin"));
    words.addAll(List.of(arguments));
    return words.toArray(String[]::new);
  }

  @Nested
  class ItsEnd {
    @Test
    void bothStreamsStayApartAndTheExitCodeIsTheJobs() {
      Result result = run("sh", "-c", "echo out; echo err >&2; exit 3");
      assertThat(result.exitCode()).isEqualTo(3);
      assertThat(result.text()).isEqualTo("out");
      assertThat(result.err()).isEqualTo("err\n");
      assertThat(run("true").exitCode()).isZero();
    }

    @Test
    void aSignalIsAddedTo128() {
      Result result = run("sh", "-c", "kill -SEGV $$");
      assertThat(result.exitCode()).isEqualTo(139);
      assertThat(result.err()).isEmpty();
    }

    @Test
    void aTimeOutIs124AndSaysSo() {
      Result result = run("--timeout", "200ms", "sleep", "1000");
      assertThat(result.exitCode()).isEqualTo(124);
      assertThat(result.err()).isEqualTo("job-worker: timed out after 0.2s\n");
    }

    @Test
    void whatCannotBeExecutedIs126AndWhatIsNotThere127() throws IOException {
      assertThat(run("/no/such/program").exitCode()).isEqualTo(127);
      assertThat(run("/tmp").exitCode()).isEqualTo(126);
    }

    @Test
    void whatIsOurFaultIs125() {
      assertThat(run("--frobnicate", "true").exitCode()).isEqualTo(125);
      assertThat(run("--timeout", "soon", "true").exitCode()).isEqualTo(125);
      assertThat(run("--workdir", "relative", "true").exitCode()).isEqualTo(125);
      Result unreachable = alice().at("127.0.0.1:1").run(words("true"));
      assertThat(unreachable.exitCode()).isEqualTo(125);
    }
  }

  @Nested
  class ItsOptions {
    @Test
    void whatFollowsTheProgramIsThePrograms() {
      Result result = run("printf", "[%s]", "--rm", "-v", "--", "--timeout", "x y");
      assertThat(result.text()).isEqualTo("[--rm][-v][--][--timeout][x y]");
      assertThat(result.err()).isEmpty();
    }

    @Test
    void theIdIsToldToWhoeverAsks() throws IOException {
      Path file = directory.resolve("id");
      Result result = run("-v", "--id-file", file.toString(), "true");
      String id = Files.readString(file).strip();
      assertThat(UUID.fromString(id)).hasToString(id);
      assertThat(result.err().lines()).contains("job-worker: " + id);
      Result again = run("--id-file", file.toString(), "true");
      assertThat(again.exitCode()).isEqualTo(125);
      assertThat(file).hasContent(id + "\n");
      Path unused = directory.resolve("unused");
      run("--id-file", unused.toString(), "/no/such/program");
      assertThat(unused).doesNotExist();
    }

    @Test
    void detachedItPrintsTheIdAndLeaves() {
      Result result = run("--detach", "sleep", "1000").succeeded();
      assertThat(alice().status(result.text()).path("status").asString()).isEqualTo("running");
      assertThat(run("--detach", "--rm", "true").exitCode()).isEqualTo(125);
    }

    @Test
    void withRmTheJobIsForgottenWhenItHasEnded() throws IOException {
      Path file = directory.resolve("id");
      assertThat(run("--rm", "--id-file", file.toString(), "sh", "-c", "exit 4").exitCode())
          .isEqualTo(4);
      assertThat(alice().run("status", Files.readString(file).strip()).err())
          .contains("no such job");
    }

    @Test
    void whatIsNoTerminalIsItsStandardInput() throws Exception {
      Process run = alice().process("run", "wc", "-c").start();
      CompletableFuture<byte[]> out = Programs.readAll(run.getInputStream());
      try (OutputStream in = run.getOutputStream()) {
        in.write(new byte[70_000]);
      }
      assertThat(new String(out.join(), UTF_8).strip()).isEqualTo("70000");
      assertThat(run.waitFor()).isZero();
    }
  }

  @Nested
  class WhatBreaks {
    @Test
    void aServerThatDiesAndComesBackIsToldOnceAndLosesNoByte() throws Exception {
      Gate gate = new Gate();
      try (CliRun run =
          new CliRun(alice(), "echo up; " + gate.waiting() + "; seq 1 20000; exit 9")) {
        server.kill();
        await()
            .atMost(Programs.PATIENCE)
            .until(() -> Files.readString(run.err()).contains("connection lost"));
        gate.open();
        server.restart();
        assertThat(run.exitCode()).isEqualTo(9);
        StringBuilder expected = new StringBuilder("up\n");
        for (int i = 1; i <= 20000; i++) {
          expected.append(i).append('\n');
        }
        assertThat(run.out()).hasContent(expected.toString());
        assertThat(Files.readAllLines(run.err())).hasSize(1);
      }
      gate.close();
    }

    @Test
    void whatIsTypedReachesTheJobAsItRunsAndAlsoWhenTheServerHasDiedInBetween() throws Exception {
      Process run = alice().process("run", "cat").start();
      try (OutputStream in = run.getOutputStream()) {
        say(in, "before\n");
        assertThat(run.getInputStream().readNBytes(7)).asString().isEqualTo("before\n");
        server.kill();
        say(in, "meanwhile\n");
        server.restart();
        assertThat(run.getInputStream().readNBytes(10)).asString().isEqualTo("meanwhile\n");
        say(in, "after\n");
        assertThat(run.getInputStream().readNBytes(6)).asString().isEqualTo("after\n");
      }
      assertThat(run.getInputStream().readAllBytes()).isEmpty();
      assertThat(run.waitFor()).isZero();
    }

    private void say(OutputStream in, String line) throws IOException {
      in.write(line.getBytes(UTF_8));
      in.flush();
    }

    @Test
    void aServerThatDoesNotComeBackIsGivenUpAndTheJobIsNamed() throws Exception {
      Process run =
          alice().process(words("--reconnect", "0s", "sh", "-c", "echo up; sleep 1000")).start();
      run.getInputStream().readNBytes("up\n".length());
      server.kill();
      assertThat(Programs.finished(run).exitCode()).isEqualTo(125);
      server.restart();
    }
  }
}
