package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.PublicDirectory;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/**
 * Words go through client, server and launcher as they were typed, where neither client nor server
 * has a locale.
 */
@Timeout(600)
class WordsTest {
  private static final String ODD_NAME = "it's \"a\" 100%d of %i (b[c {x}";
  private static final Path DIRECTORY = PublicDirectory.create();

  private static ServerProcess server;

  @BeforeAll
  static void start() {
    server =
        ServerProcess.start(
            ServerToml.shipped(), List.of("env", "-i", "PATH=" + System.getenv("PATH")), ODD_NAME);
  }

  @AfterAll
  static void stop() throws IOException {
    server.close();
    try (Stream<Path> files = Files.walk(DIRECTORY)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  /** Runs a script, whose bytes are Latin-1's, that calls the client as {@code $jw}. */
  private static Result script(String text) throws IOException {
    Path script = DIRECTORY.resolve("script");
    Files.writeString(script, text, ISO_8859_1);
    String client = server.as("alice").process("x").command().getFirst();
    return Programs.run(
        List.of(
            "env",
            "-i",
            "PATH=" + System.getenv("PATH"),
            "JOB_WORKER_CONFIG=" + server.as("alice").config(),
            "jw=" + client,
            "address=" + server.address(),
            "sh",
            script.toString()),
        Map.of());
  }

  private static Result start(String words) throws IOException {
    return script("exec \"$jw\" --address \"$address\" start " + words);
  }

  /** UTF-8 as Latin-1's characters, for a script. */
  private static String utf8(String text) {
    return new String(text.getBytes(UTF_8), ISO_8859_1);
  }

  @Test
  void everyByteReachesTheProgramAndComesBack() throws Exception {
    StringBuilder all = new StringBuilder();
    for (char c = 1; c < 256; c++) {
      all.append(c);
    }
    String quoted = "'" + all.toString().replace("'", "'\\''") + "'";
    Path place = Files.createDirectories(OsString.path(DIRECTORY + "/na\u00efve"));
    String where = OsString.of(place);
    String id =
        start(
                "--name "
                    + utf8("gr\u00fcn")
                    + " -e V="
                    + utf8("\u00fc")
                    + " -e W=caf\u00e9 -e @A=@B"
                    + " -w '"
                    + utf8(where)
                    + "'"
                    + " sh -c 'printf \"[%s]\" \"$@\" \"$V\" \"$W\" \"$PWD\"' '' '' "
                    + quoted
                    + " --name x -e @"
                    + DIRECTORY.resolve("script")
                    + " @@x 'a\nb'")
            .succeeded()
            .text();
    List<String> words = new ArrayList<>(List.of("", all.toString(), "--name", "x", "-e"));
    words.addAll(List.of("@" + DIRECTORY.resolve("script"), "@@x", "a\nb"));
    words.addAll(List.of(utf8("\u00fc"), "caf\u00e9", utf8(where)));
    byte[] expected = ("[" + String.join("][", words) + "]").getBytes(ISO_8859_1);
    assertThat(server.as("alice").run("logs", id).succeeded().out()).isEqualTo(expected);

    JsonNode spec = server.as("alice").status(id).path("spec");
    assertThat(spec.path("name").asString()).isEqualTo("gr\u00fcn");
    assertThat(spec.path("workingDir").asString()).isEqualTo(where);
    assertThat(spec.path("env").path("V").asString()).isEqualTo("\u00fc");
    assertThat(spec.path("env").path("@A").asString()).isEqualTo("@B");
    assertThat(Base64.getDecoder().decode(spec.path("rawCommand").get(5).asString()))
        .isEqualTo(all.toString().getBytes(ISO_8859_1));
    assertThat(Base64.getDecoder().decode(spec.path("rawEnv").get(0).asString()))
        .isEqualTo("W=caf\u00e9".getBytes(ISO_8859_1));
    assertThat(spec.path("command").get(0).asString()).isEqualTo("sh");
    assertThat(server.as("alice").run("status", id).text()).contains("\\xff").contains("gr\u00fcn");
    JsonNode started = server.log().event("job.started", id);
    assertThat(started.path("argv").get(5).asString()).endsWith("\\xfe\\xff");
  }

  @Test
  void whatCannotCarryAByteSaysWhichOne() throws Exception {
    Result refused = start("--name caf\u00e9 true");
    assertThat(refused.exitCode()).isEqualTo(2);
    assertThat(refused.err()).contains("--name").contains("position 4");
    Result missing = start("-- /no/caf\u00e9");
    assertThat(missing.exitCode()).isEqualTo(127);
    assertThat(missing.err())
        .contains("cannot exec /no/caf\\xe9: No such file or directory (ENOENT)");
    assertThat(missing.err().lines()).hasSize(1);
  }

  @Test
  void aProgramMayHaveABlankInItsPath() throws Exception {
    Path program = DIRECTORY.resolve("my prog");
    Files.deleteIfExists(program);
    Files.createSymbolicLink(program, Path.of("/bin/echo"));
    String id = server.as("alice").start("--", program.toString());
    assertThat(server.as("alice").run("logs", id).succeeded().out())
        .isEqualTo("\n".getBytes(UTF_8));
  }

  @Test
  void whatCannotBeWrittenIsAnErrorWithTheIdThatIsLost() throws Exception {
    for (String to : List.of(">/dev/full", ">&-")) {
      Result result = start("true " + to);
      assertThat(result.exitCode()).isEqualTo(1);
      assertThat(result.err().lines()).hasSize(1);
      assertThat(result.err())
          .matches(
              "(?s)job-worker: job [0-9a-f-]{36} was started, but its id could not be written: "
                  + "(No space left on device \\(ENOSPC\\)|Bad file descriptor \\(EBADF\\))\\s*");
    }
    Result help = script("exec \"$jw\" start --help >/dev/full");
    assertThat(help.exitCode()).isEqualTo(1);
    assertThat(help.err())
        .isEqualTo(
            "job-worker: the output could not be written: No space left on device (ENOSPC)\n");
    Result nobody = script("{ \"$jw\" --help; echo $? >&2; } | true");
    assertThat(nobody.err()).isEqualTo("0\n");
  }
}
