package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command line is the same wherever it is run: other streams, directories, environments. */
@Order(1)
@Timeout(600)
class PlacesTest {
  private static final String FULL = "No space left on device (ENOSPC)";
  private static final String CLOSED = "Bad file descriptor (EBADF)";

  private static ServerProcess server;

  @TempDir private Path directory = Path.of("");

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  /** Runs a script that calls the client as {@code $jw}, and as {@code jw} at the server. */
  private Result script(String text, String... environment) {
    Map<String, String> variables = new HashMap<>();
    variables.put("jw", server.as("alice").process("x").command().getFirst());
    variables.put("JOB_WORKER_CONFIG", server.as("alice").config().toString());
    variables.put("JOB_WORKER_ADDRESS", server.address());
    variables.put("XDG_STATE_HOME", directory.resolve("state").toString());
    variables.put("directory", directory.toString());
    for (String variable : environment) {
      int equals = variable.indexOf('=');
      variables.put(variable.substring(0, equals), variable.substring(equals + 1));
    }
    List<String> command = new ArrayList<>(List.of("sh", "-c", "cd \"$directory\"; " + text));
    return Programs.run(command, variables);
  }

  private static String ended(String... command) {
    String id = server.as("alice").start(command);
    server.log().event("job.ended", id);
    return id;
  }

  @Test
  void everyVerbSaysThatWhatItPrintedIsLost() {
    String id = ended("--name", "lost", "--", "echo", "hello");
    for (String verb :
        List.of(
            "status -o json ID",
            "ls",
            "logs ID",
            "wait ID",
            "stats --once ID",
            "stop ID",
            "help logs",
            "run -- echo hello")) {
      String words = "\"$jw\" " + verb.replace("ID", id);
      assertLost(verb.startsWith("run") ? 2 : 1, words, ">/dev/full", FULL);
    }
    assertLost(1, "\"$jw\" logs " + id, ">&-", CLOSED);
  }

  private void assertLost(int lines, String words, String place, String why) {
    Result result = script("exec " + words + " " + place);
    assertThat(result.exitCode()).as("%s %s", words, place).isNotZero();
    assertThat(result.err()).as(words).contains("could not be written: " + why);
    assertThat(result.err().lines()).as(words).hasSize(lines);
  }

  @Test
  void aPipeThatDoesNotBlockGetsEverything() {
    String id = ended("--", "seq", "100000");
    String nonBlocking =
        "perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, fcntl(STDOUT, F_GETFL, 0) | O_NONBLOCK);"
            + " exec @ARGV' \"$jw\" ";
    Result logs =
        script(nonBlocking + "logs " + id + " | dd bs=512 2>dd | cksum; seq 100000 | cksum");
    assertThat(logs.succeeded().err()).isEmpty();
    assertThat(logs.text().lines().distinct()).hasSize(1);
    String help = script(nonBlocking + "completion bash | dd bs=64 2>dd").succeeded().text();
    assertThat(help).isEqualTo(script("\"$jw\" completion bash").succeeded().text());
  }

  @Test
  void aDirectoryThatIsGoneIsTold() {
    Result result = script("mkdir gone; cd gone; rmdir ../gone; exec \"$jw\" ls");
    assertThat(result.exitCode()).isEqualTo(125);
    assertThat(result.err()).endsWith("job-worker: the working directory is gone; cd to another\n");
  }

  @Test
  void proxiesOfTheEnvironmentAreNotAsked() {
    Result result =
        script(
            "exec \"$jw\" run -- echo hello",
            "https_proxy=http://127.0.0.1:1",
            "HTTPS_PROXY=http://127.0.0.1:1",
            "GRPC_PROXY_EXP=127.0.0.1:1",
            "all_proxy=socks5://127.0.0.1:1");
    assertThat(result.succeeded().text()).isEqualTo("hello");
  }

  @Test
  void contextsAreListedChosenAndNamed() throws IOException {
    Path config = directory.resolve("config.toml");
    String[] environment = {"JOB_WORKER_CONFIG=" + config};
    Files.writeString(
        config,
        "current = \"mine\"\n[contexts.mine]\nconfig = \""
            + server.as("alice").config()
            + "\"\n[contexts.theirs]\nconfig = \""
            + server.as("bob").config()
            + "\"\n");
    String id = script("exec \"$jw\" start -- true", environment).succeeded().text();
    assertThat(script("exec \"$jw\" context ls", environment).succeeded().text())
        .matches("\\* mine +\\S+\n {2}theirs +\\S+");
    assertThat(script("exec \"$jw\" --context theirs status " + id, environment).err())
        .contains("no such job");
    assertThat(
            script(
                    "\"$jw\" context use theirs; \"$jw\" context show; \"$jw\" ls -q"
                        + "; JOB_WORKER_CONTEXT=mine \"$jw\" status -o name "
                        + id,
                    environment)
                .succeeded()
                .text()
                .lines())
        .containsExactly("theirs", id);
    assertThat(script("exec \"$jw\" context use their", environment).err())
        .contains("there is no context 'their'", "did you mean theirs?");
    assertThat(script("exec \"$jw\" context ls").err()).contains("names no contexts");
  }

  @Test
  void aJobThatWasPrintedIsStartedFromItsFile() {
    Result printed =
        script(
            "printf 'A=b c\\nHERE\\n' >env; \"$jw\" start --dry-run --name filed --timeout 90s"
                + " --output-limit 128K -l team=build --env-file env -e B=d -- sh -c 'echo $A $HERE $B'"
                + " >job.toml; cat job.toml",
            "HERE=of here");
    assertThat(printed.succeeded().text()).contains("name = \"filed\"", "timeout = \"90s\"");
    Result run = script("exec \"$jw\" run --file job.toml");
    assertThat(run.succeeded().text()).isEqualTo("b c of here d");
    String spec = script("exec \"$jw\" status -o json @last").succeeded().text();
    assertThat(spec).contains("\"outputRetainBytes\": \"131072\"", "\"team\": \"build\"");
    assertThat(script("exec \"$jw\" start --file job.toml -e B=e -- sh -c 'exit $B'").exitCode())
        .isZero();
    assertThat(script("echo 'memory = \"1M\"' >bad; exec \"$jw\" start --file bad").err())
        .contains("'memory' is not understood; it belongs below [limits]");
  }

  @Test
  void wordsAreTakenUpToTheirBoundAndRefusedBeyondIt() {
    String words = "w=$(head -c 100000 /dev/zero | tr '\\0' x); ";
    String ten = "\"$w\" ".repeat(10);
    Result whole = script(words + "exec \"$jw\" run -- sh -c 'echo $#' x " + ten);
    assertThat(whole.succeeded().text()).isEqualTo("10");
    Result more = script(words + "exec \"$jw\" start -- true " + ten + "\"$w\"");
    assertThat(more.exitCode()).isEqualTo(1);
    assertThat(more.err().lines()).hasSize(1);
    assertThat(more.err()).contains("1048576");
  }

  @Test
  void figuresAreSortedAsAskedFor() {
    String label = "test=" + directory.getFileName();
    String small = server.as("alice").start("-l", label, "--name", "a", "--", "sleep", "1000");
    String large =
        server.as("alice").start("-l", label, "--name", "b", "--", "sh", "-c", "sleep 1000 & wait");
    assertThat(sorted(label, "name")).containsExactly("a", "b");
    assertThat(sorted(label, "pids")).containsExactly("b", "a");
    assertThat(sorted(label, "age")).containsExactly("b", "a");
    assertThat(script("exec \"$jw\" stats --once --sort weight").err()).contains("--sort weight: ");
    server.as("alice").run("stop", small, large).succeeded();
  }

  private List<String> sorted(String label, String by) {
    String table =
        script("exec \"$jw\" stats --once --label " + label + " --sort " + by).succeeded().text();
    return table.lines().skip(1).map(line -> line.split(" +")[1]).toList();
  }
}
