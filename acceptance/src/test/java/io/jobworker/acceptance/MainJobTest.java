package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.PublicDirectory;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** The main job, end to end, through the command line. */
@Order(1)
@Timeout(600)
class MainJobTest {
  private static ServerProcess server;

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static Result alice(String... arguments) {
    return server.as("alice").run(arguments);
  }

  /** In a process of its own, where the program itself is what is tested. */
  private static Result alone(String... arguments) throws IOException {
    return server.as("alice").runAlone(arguments);
  }

  private static JsonNode ended(String id) {
    alice("logs", id).succeeded(); // follows to the end
    return server.as("alice").status(id);
  }

  @Nested
  class StartAndStatus {
    @Test
    void anExitCodeIsReportedAsItIs() {
      String id = server.as("alice").start("sh -c \"echo out; echo err >&2; exit 3\"");
      JsonNode job = ended(id);
      assertThat(job.path("status").asString()).isEqualTo("failed");
      assertThat(job.path("exitCode").asInt()).isEqualTo(3);
      assertThat(job.path("reason").asString()).isEqualTo("REASON_EXITED");
      assertThat(job.path("owner").asString()).isEqualTo("alice");
      assertThat(job.path("output").asString()).contains("out\n").contains("err\n");
    }

    @Test
    void theIdAloneIsOnStandardOutput() throws Exception {
      Result result = alone("start", "true").succeeded();
      assertThat(UUID.fromString(result.text())).hasToString(result.text());
      assertThat(result.err()).isEmpty();
    }

    @Test
    void oneStringIsSplitAsAShellWouldAndNothingIsExpanded() {
      String id = server.as("alice").start("printf '%s|' a 'b c' \"d \\\" e\" f\\ g '' $HOME *");
      assertThat(alice("logs", id).text()).isEqualTo("a|b c|d \" e|f g||$HOME|*|");
    }

    @Test
    void wordsAfterTwoHyphensArePassedAsTheyAre() {
      String id = server.as("alice").start("--", "printf", "%s|", "a b", "-c", "'");
      assertThat(alice("logs", id).text()).isEqualTo("a b|-c|'|");
    }

    @Test
    void theServerCanBeNamedBeforeTheVerbAndBehindIt() {
      String config = server.as("alice").config().toString();
      String address = server.address();
      Result before =
          Programs.client("--config", config, "--address", address, "start", "echo before");
      assertThat(alice("logs", before.succeeded().text()).text()).isEqualTo("before");
      Result behind =
          Programs.client("start", "--config", config, "--address", address, "echo behind");
      assertThat(alice("logs", behind.succeeded().text()).text()).isEqualTo("behind");
    }

    @Test
    void aShellIsUsedOnlyWhenItIsAskedFor() {
      String id = server.as("alice").start("--shell", "echo a b c | wc -w");
      assertThat(alice("logs", id).text()).isEqualTo("3");
    }

    @Test
    void environmentDirectoryNameAndLabelsReachTheJob() {
      String id =
          server
              .as("alice")
              .start(
                  "--env",
                  "A=b c",
                  "--workdir",
                  "/usr",
                  "--name",
                  "n1",
                  "--label",
                  "k=v",
                  "--shell",
                  "echo $A; pwd");
      assertThat(alice("logs", id).text()).isEqualTo("b c\n/usr");
      JsonNode spec = ended(id).path("spec");
      assertThat(spec.path("name").asString()).isEqualTo("n1");
      assertThat(spec.path("labels").path("k").asString()).isEqualTo("v");
      assertThat(alice("status", id).text()).contains("exited 0 after").contains("n1");
    }

    @Test
    void aTimeOutEndsTheJobAndSaysSo() {
      String id = server.as("alice").start("--timeout", "200ms", "sleep 1000");
      assertThat(ended(id).path("reason").asString()).isEqualTo("REASON_TIMED_OUT");
    }

    @Test
    void deathByASignalIsNotAnExitCode() {
      JsonNode job = ended(server.as("alice").start("--shell", "kill -9 $$"));
      assertThat(job.path("reason").asString()).isEqualTo("REASON_SIGNALED");
      assertThat(job.path("signal").asInt()).isEqualTo(9);
      assertThat(job.has("exitCode")).isFalse();
    }
  }

  @Nested
  class Logs {
    private final Path directory = PublicDirectory.create();

    @Test
    void everyByteArrivesAsItIsOnItsOwnStream() throws IOException {
      byte[] bytes = new byte[256 * 257];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (i / 256 + i);
      }
      Path file = Files.write(directory.resolve("bytes"), bytes);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      String id = server.as("alice").start("--shell", "cat " + file + "; echo err >&2");
      Result logs = alone("logs", id).succeeded();
      assertThat(logs.out()).isEqualTo(bytes);
      assertThat(logs.err()).isEqualTo("err\n");
    }

    @Test
    void twoFollowersAndALateOneAllGetEverything() throws Exception {
      Gate gate = new Gate();
      String id =
          server
              .as("alice")
              .start("--shell", "seq 1 20000; " + gate.waiting() + "; seq 20001 40000");
      Process first = server.as("alice").spawn("logs", id);
      Process second = server.as("alice").spawn("logs", id);
      CompletableFuture<byte[]> firstOut = Programs.readAll(first.getInputStream());
      CompletableFuture<byte[]> secondOut = Programs.readAll(second.getInputStream());
      await()
          .atMost(Programs.PATIENCE)
          .until(() ->
              server.log().events("logs.opened").stream()
                      .filter(event -> event.path("job").asString().equals(id))
                      .count()
                  == 2);
      gate.open();
      StringBuilder lines = new StringBuilder();
      for (int i = 1; i <= 40000; i++) {
        lines.append(i).append('\n');
      }
      byte[] expected = lines.toString().getBytes(StandardCharsets.US_ASCII);
      assertThat(alice("logs", id).out()).isEqualTo(expected);
      assertThat(firstOut.join()).isEqualTo(expected);
      assertThat(secondOut.join()).isEqualTo(expected);
      assertThat(first.waitFor()).isZero();
      assertThat(second.waitFor()).isZero();
      assertThat(alice("logs", "--no-follow", id).out()).isEqualTo(expected);
      gate.close();
    }

    @Test
    void noFollowEndsAtWhatThereIs() {
      String id = server.as("alice").start("--shell", "echo up; sleep 1000");
      await()
          .atMost(Programs.PATIENCE)
          .until(() -> alice("logs", "--no-follow", id).succeeded().text().equals("up"));
      assertThat(server.as("alice").status(id).path("status").asString()).isEqualTo("running");
      alice("stop", id).succeeded();
    }

    @Test
    void aReaderThatGoesAwayIsNoError() throws Exception {
      String id = server.as("alice").start("seq 1 3000000");
      Process logs = server.as("alice").spawn("logs", id);
      logs.getInputStream().readNBytes(100);
      logs.getInputStream().close();
      CompletableFuture<byte[]> err = Programs.readAll(logs.getErrorStream());
      assertThat(logs.waitFor()).isZero();
      assertThat(err.join()).isEmpty();
    }
  }

  @Nested
  class Isolated {
    @BeforeEach
    void needsRoot() {
      assumeTrue(server.admin("check").text().contains("ok       root"), "isolation needs root");
    }

    @Test
    void aJobRunsAsAUserOfItsClientsOwn() {
      String first = alice("logs", server.as("alice").start("id -u")).text();
      String again = alice("logs", server.as("alice").start("id -u")).text();
      String other = server.as("bob").run("logs", server.as("bob").start("id -u")).text();
      assertThat(first).isEqualTo(again).isNotEqualTo(other);
      assertThat(Integer.parseInt(first)).isBetween(600000, 665535);
    }

    @Test
    void aNamedUserIsUsedWhereOneIsGiven() {
      server.addClient("nora", "--run-as", "nobody");
      assertThat(server.as("nora").run("logs", server.as("nora").start("id -un")).text())
          .isEqualTo("nobody");
      assertThat(server.admin("client", "add", "x", "--run-as", "no-such-user").exitCode())
          .isEqualTo(1);
    }

    @Test
    void networkAndFilesCanBeTakenAway() {
      String id =
          server
              .as("alice")
              .start(
                  "--network",
                  "none",
                  "--read-only",
                  "--shell",
                  "grep -c : /proc/net/dev; touch here /tmp/there && echo ok; touch /var/tmp/x");
      assertThat(alice("logs", id).text()).isEqualTo("1\nok");
      assertThat(alice("logs", id).err()).contains("Read-only file system");
    }

    @Test
    void aRefusedSystemCallIsLoggedOnce() {
      String id = server.as("alice").start("--shell", "unshare -m true; unshare -n true; exit 0");
      ended(id);
      assertThat(server.log().event("job.call_refused", id).path("call").asString())
          .isEqualTo("unshare");
      assertThat(server.log().events("job.call_refused"))
          .filteredOn(event -> event.path("job").asString().equals(id))
          .hasSize(1);
    }

    @Test
    void theServersKeysAreNotToBeSeen() {
      String id = server.as("alice").start("cat " + server.directory().resolve("ca.key"));
      assertThat(alice("logs", id).text()).isEmpty();
      assertThat(ended(id).path("exitCode").asInt()).isEqualTo(1);
    }
  }

  @Test
  void whatJobsUseIsShown() {
    String id = server.as("alice").start("--shell", "seq 1 100000 >/dev/null; sleep 1000");
    assertThat(alice("stats", "--once", id).succeeded().text())
        .contains("CPU", "MEMORY", "OUTPUT/s")
        .containsPattern(id.substring(0, 8) + " +- +running");
    assertThat(alice("stats", "--once").succeeded().text()).contains(id.substring(0, 8));
    assertThat(alice("stats", "--once", "-o", "json", id).succeeded().text())
        .startsWith("{\"id\":\"" + id + "\"");
    alice("stop", id).succeeded();
    assertThat(alice("stats", id).succeeded().text())
        .containsPattern(id.substring(0, 8) + " +- +stopped");
  }

  @Nested
  class Stop {
    @Test
    void theWholeTreeDiesAlsoWhatForkedTwiceAndLeftTheSession() {
      String id =
          server
              .as("alice")
              .start(
                  "--shell",
                  "setsid sh -c 'sleep 4321 & sleep 4321' & (setsid sleep 4321 &); echo up; wait");
      await()
          .atMost(Programs.PATIENCE)
          .until(() -> alice("logs", "--no-follow", id).text().equals("up"));
      long main = server.as("alice").status(id).path("pid").asLong();
      List<ProcessHandle> tree = ProcessHandle.of(main).orElseThrow().descendants().toList();
      assertThat(alice("stop", id).succeeded().text()).endsWith("  stopped (SIGKILL)");
      assertThat(tree).noneMatch(ProcessHandle::isAlive);
      JsonNode job = server.as("alice").status(id);
      assertThat(job.path("reason").asString()).isEqualTo("REASON_STOPPED");
    }

    @Test
    void aGraceSendsSigtermFirst() {
      String id =
          server
              .as("alice")
              .start(
                  "--shell", "trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.02; done");
      await()
          .atMost(Programs.PATIENCE)
          .until(() -> alice("logs", "--no-follow", id).text().equals("up"));
      assertThat(alice("stop", "--grace", "30s", id).succeeded().text())
          .contains("  stopped (SIGTERM, ");
      assertThat(alice("logs", id).text()).isEqualTo("up\nbye");
      assertThat(server.as("alice").status(id).path("exitCode").asInt()).isEqualTo(4);
    }

    @Test
    void anEndedJobStaysAsItEnded() {
      String id = server.as("alice").start("--shell", "exit 5");
      ended(id);
      assertThat(alice("stop", id).succeeded().text()).contains("  had ended: failed");
      assertThat(alice("stop", id).succeeded().text()).contains("  had ended: failed");
      assertThat(server.as("alice").status(id).path("exitCode").asInt()).isEqualTo(5);
    }
  }

  @Nested
  class Errors {
    private final Path directory = PublicDirectory.create();

    private void assertOneLine(Result result, int exitCode, String... words) {
      assertThat(result.exitCode()).isEqualTo(exitCode);
      assertThat(result.out()).isEmpty();
      assertThat(result.err()).startsWith("job-worker: ").contains(words);
      assertThat(result.err().lines()).hasSize(1);
    }

    @Test
    void aMissingProgramIs127WithItsPathAndReason() throws Exception {
      assertOneLine(alone("start", "/no/such/program -x"), 127, "/no/such/program", "ENOENT");
      assertOneLine(alice("start", "no-such-program"), 127, "no-such-program", "No such file");
    }

    @Test
    void aProgramThatCannotBeExecutedIs126() throws IOException {
      Path file = Files.writeString(directory.resolve("plain"), "x");
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      assertOneLine(alone("start", file.toString()), 126, file.toString(), "EACCES");
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
      assertOneLine(alice("start", file.toString()), 126, file.toString(), "ENOEXEC");
      assertOneLine(alice("start", "/tmp"), 126, "/tmp", "EACCES");
    }

    @Test
    void aMissingJobIsRefusedByEveryVerb() {
      String id = UUID.randomUUID().toString();
      for (String verb : List.of("status", "logs", "stop")) {
        assertOneLine(alice(verb, id), 1, "no such job: " + id);
      }
    }

    @Test
    void anotherClientsJobIsAnsweredLikeAMissingOne() {
      String id = server.as("alice").start("sleep 1000");
      for (String verb : List.of("status", "logs", "stop")) {
        assertOneLine(server.as("bob").run(verb, id), 1, "no such job: " + id);
      }
      assertThat(server.as("alice").status(id).path("status").asString()).isEqualTo("running");
      alice("stop", id).succeeded();
    }

    @Test
    void whatIsNoIdIsRefused() throws Exception {
      assertOneLine(alone("status", "nonsense"), 2, "nonsense: not a job");
    }

    @Test
    void outputThatCannotBeWrittenIsAnError() throws Exception {
      String id = server.as("alice").start("echo hello");
      ProcessBuilder logs = server.as("alice").process("logs", id);
      logs.redirectOutput(Path.of("/dev/full").toFile());
      Process process = logs.start();
      assertThat(Programs.readAll(process.getErrorStream()).join())
          .asString()
          .contains("the output could not be written: No space left on device");
      assertThat(process.waitFor()).isEqualTo(1);
    }

    @Test
    void aLimitThatCannotBeEnforcedRefusesTheStart() {
      String check = server.admin("check").succeeded().text();
      assumeTrue(check.contains("missing  controller memory"), "this host can enforce limits");
      Result result = alice("start", "--memory", "64M", "true");
      assertOneLine(result, 1, "memory.max", "controller 'memory' is not available");
    }

    @Test
    void wrongUsageIs2() throws Exception {
      assertThat(alone("start").exitCode()).isEqualTo(2);
      assertThat(alice("frobnicate").exitCode()).isEqualTo(2);
      assertOneLine(alice("start", "echo 'open"), 2, "a ' is not closed");
      assertThat(alice("start", "--timeout", "soon", "true").err())
          .contains("'soon' is not a duration");
    }

    @Test
    void aServerThatIsNotThereIs125() throws Exception {
      Result result =
          server.as("alice").at("127.0.0.1:1").runAlone("status", UUID.randomUUID().toString());
      assertOneLine(result, 125, "cannot reach the server", "Connection refused");
    }

    @Test
    void aMissingConfigurationIsNamed() throws Exception {
      Result result = alone("status", "--config", "/no/such.toml", UUID.randomUUID().toString());
      assertOneLine(result, 2, "/no/such.toml", "job-worker-server client add");
    }
  }

  @Nested
  class TheServersOwnVerbs {
    @Test
    void initOverwritesNothing() throws IOException {
      byte[] key = Files.readAllBytes(server.directory().resolve("ca.key"));
      Result result = server.adminAlone("init");
      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.err().lines()).hasSize(1);
      assertThat(Files.readAllBytes(server.directory().resolve("ca.key"))).isEqualTo(key);
      assertThat(server.admin("client", "add", "alice").exitCode()).isEqualTo(1);
    }

    @Test
    void privateFilesAreTheirOwnersAlone() throws IOException {
      Map<Path, String> modes = new HashMap<>();
      Files.walkFileTree(
          server.directory(),
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              if (attributes.isRegularFile() && !file.toString().contains("/run/")) {
                try {
                  modes.put(
                      file, PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
                } catch (IOException e) {
                  return visitFileFailed(file, e);
                }
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              if (e instanceof NoSuchFileException) { // the server lives, and its files come and go
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }
          });
      assertThat(modes).isNotEmpty().allSatisfy((_, mode) -> assertThat(mode).endsWith("------"));
    }

    @Test
    void checkNamesEachControllerAndWhatFollows() {
      String text = server.admin("check").succeeded().text();
      assertThat(text).contains("kernel", "root", "cgroup v2", "cgroup.kill", "uid range");
      assertThat(text)
          .contains("controller cpu", "controller memory", "controller io", "controller pids")
          .containsPattern("(ok|missing) +ports ")
          .doesNotContain("open     memory", "open     pids");
      assertThat(text.contains("missing  default pids"))
          .isEqualTo(text.contains("missing  controller pids"));
    }

    @Test
    void clientsAreListed() {
      assertThat(server.admin("client", "list").succeeded().text())
          .containsPattern("alice +user +enabled +CN=alice");
    }

    private void assertRefused(String why) {
      Result result = server.admin("check");
      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.err()).contains(why);
      assertThat(result.err().lines()).hasSize(1);
    }

    @Test
    void aTypingErrorInTheConfigurationIsNamed() {
      ServerToml shipped = ServerToml.shipped();
      try {
        server.configure(shipped.with("surprise", 1));
        assertRefused("server.toml: unknown key 'surprise'");
        server.configure(shipped.without("listen"));
        assertRefused("server.toml: the key 'listen' is missing");
        server.configure(shipped.with("output.retain", "64 sheep"));
        assertRefused("'64 sheep' is not a size");
      } finally {
        server.configure(shipped);
      }
    }
  }
}
