package io.jobworker.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** What shells offer at the end of a line, each by its script and run as itself. */
class CompletionTest {
  /** What the server says, as a format of printf(1). */
  private static final String JOBS =
      "job\\t813c08e2\\tnightly, running\\njob\\t1f0a77d1\\texited\\n"
          + "name\\tname:nightly\\trunning\\nlabel\\tteam=build\\n";

  @TempDir private Path directory;

  /** All that a shell shows, and the words of it that it would complete to. */
  private record Offered(String shown, List<String> words) {}

  private Offered offered(String shell, String answer, String line) throws Exception {
    String shown = run(shell, answer, line);
    return new Offered(
        shown,
        switch (shell) {
          case "zsh" -> wordsOfZsh(shown);
          default ->
              shown
                  .lines()
                  .map(candidate -> candidate.split("\t| {2}", 2)[0])
                  .filter(word -> !word.isEmpty())
                  .toList();
        });
  }

  /** What it lists or, if there is no choice, what it puts on the line. */
  private static List<String> wordsOfZsh(String shown) {
    List<String> listed =
        shown
            .lines()
            .filter(line -> line.contains(" -- ") && !line.contains("job-worker "))
            .map(line -> line.split(" +-- ", 2)[0])
            .toList();
    String line = shown.substring(shown.lastIndexOf("LINE=[") + "LINE=[".length());
    String last = line.substring(0, line.lastIndexOf(']'));
    return listed.isEmpty() && last.endsWith(" ")
        ? List.of(last.strip().substring(last.strip().lastIndexOf(' ') + 1))
        : listed;
  }

  private String run(String shell, String answer, String line) throws Exception {
    assumeTrue(isHere(shell), shell + " is here");
    Path script = Files.writeString(directory.resolve("script"), script(shell));
    Path program =
        Files.writeString(
            directory.resolve("job-worker"),
            "#!/bin/sh\necho \"$*\" >>\"$HOME/asked\"\nfor file; do :; done\nprintf '"
                + answer
                + "' >\"$file.new\"\nmv \"$file.new\" \"$file\"\n");
    assertThat(program.toFile().setExecutable(true)).isTrue();
    List<String> command = new ArrayList<>(List.of(shell));
    command.addAll(
        switch (shell) {
          case "bash" -> List.of(resource("offered.bash"));
          case "zsh" -> List.of("-f", resource("offered.zsh"));
          default -> List.of(resource("offered.fish"));
        });
    command.addAll(List.of(script.toString(), line));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.redirectInput(new File("/dev/null"));
    builder.environment().put("PATH", directory + ":" + System.getenv("PATH"));
    builder.environment().put("HOME", directory.toString());
    builder.environment().put("XDG_CACHE_HOME", directory.resolve("cache").toString());
    builder.environment().put("JOB_WORKER_CONFIG", contexts().toString());
    Process process = builder.start();
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(text).isZero();
    return text.replace("\r", "");
  }

  private Path contexts() throws Exception {
    return Files.writeString(
        directory.resolve("config.toml"),
        "current = \"lab\"\n[contexts.lab]\nconfig = \"lab.toml\"\n[contexts.prod]\n");
  }

  /** Nobody waits long for an answer: what came too late is there the next time. */
  private Offered live(String shell, String line) throws Exception {
    Offered offered = offered(shell, JOBS, line);
    for (int tries = 0; tries < 100 && offered.words().isEmpty(); tries++) {
      offered = offered(shell, JOBS, line);
    }
    return offered;
  }

  private static boolean isHere(String shell) {
    return Arrays.stream(System.getenv("PATH").split(":"))
        .anyMatch(place -> Files.isExecutable(Path.of(place, shell)));
  }

  private static String script(String shell) {
    StringWriter out = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out));
    assertThat(line.execute("completion", shell)).isZero();
    return out.toString();
  }

  private static String resource(String name) throws Exception {
    return Path.of(
            Objects.requireNonNull(CompletionTest.class.getResource("/completion/" + name)).toURI())
        .toString();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void verbsAreOfferedWithWhatTheyDo(String shell) throws Exception {
    assertThat(offered(shell, JOBS, "job-worker sto").words()).containsExactly("stop");
    assertThat(offered(shell, JOBS, "job-worker --config x lo").words()).containsExactly("logs");
    Offered several = offered(shell, JOBS, "job-worker sta");
    assertThat(several.words()).containsExactlyInAnyOrder("start", "stats", "status");
    assertThat(several.shown()).contains("Shows what jobs use, live");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void optionsAndTheirValuesAreOffered(String shell) throws Exception {
    assertThat(offered(shell, JOBS, "job-worker logs --no-f").words())
        .containsExactly("--no-follow");
    assertThat(offered(shell, JOBS, "job-worker kill --signal H").words()).containsExactly("HUP");
    assertThat(offered(shell, JOBS, "job-worker kill -s US").shown()).contains("USR");
    assertThat(offered(shell, JOBS, "job-worker logs --stream stdo").words())
        .containsExactly("stdout");
    assertThat(offered(shell, JOBS, "job-worker logs --con").shown())
        .contains("default: JOB_WORKER_CONFIG or");
    assertThat(offered(shell, JOBS, "job-worker completion zs").words()).containsExactly("zsh");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void jobsAreOfferedWithNameAndStatus(String shell) throws Exception {
    Offered jobs = live(shell, "job-worker logs -n 5 ");
    assertThat(jobs.words()).containsExactlyInAnyOrder("813c08e2", "1f0a77d1");
    assertThat(jobs.shown()).contains("nightly, running", "exited");
    assertThat(offered(shell, JOBS, "job-worker logs 813").words()).containsExactly("813c08e2");
    assertThat(offered(shell, JOBS, "job-worker ls --label te").words())
        .containsExactly("team=build");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void namesAndValuesBehindAnEqualsSignAreOffered(String shell) throws Exception {
    assertThat(live(shell, "job-worker logs name:ni").words()).containsExactly("name:nightly");
    assertThat(live(shell, "job-worker ls --label team=b").words()).containsExactly("team=build");
    assertThat(offered(shell, JOBS, "job-worker logs --stream=stdo").shown()).contains("stdout");
    assertThat(offered(shell, JOBS, "job-worker logs --config=/etc/pass").shown())
        .doesNotContain("files", "sed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void contextsAreOffered(String shell) throws Exception {
    assertThat(offered(shell, JOBS, "job-worker --context p").words()).containsExactly("prod");
    assertThat(offered(shell, JOBS, "job-worker context us").words()).containsExactly("use");
    assertThat(offered(shell, JOBS, "job-worker context use l").words()).containsExactly("lab");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void theServerThatIsMeantIsAsked(String shell) throws Exception {
    String line = "job-worker --context prod logs --address=build1:7443 8";
    assertThat(live(shell, line).words()).containsExactly("813c08e2");
    assertThat(directory.resolve("asked"))
        .content()
        .contains("--context prod --address=build1:7443 complete-jobs ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void whatBelongsToTheProgramIsNotOurs(String shell) throws Exception {
    assertThat(offered(shell, JOBS, "job-worker run --rm --name x make --").words()).isEmpty();
    assertThat(offered(shell, JOBS, "job-worker run -- make --").words()).isEmpty();
    assertThat(offered(shell, JOBS, "job-worker run --name x --r").words())
        .contains("--rm", "--reconnect");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh", "fish"})
  void aServerThatDoesNotAnswerKeepsNobodyWaiting(String shell) throws Exception {
    assertThat(offered(shell, "", "job-worker logs 8").words()).isEmpty();
  }
}
