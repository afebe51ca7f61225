package io.jobworker.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.exit.JobExit;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** Errors are in the words that were typed, and never in those of what the program is made of. */
class ErrorTextsTest {
  private static final String ID = "813c08e2-9925-4137-b5df-d50d90ca7bf9";

  /** Java's words, its libraries', constants of enumerations and fields of the contract. */
  private static final Pattern FOREIGN =
      Pattern.compile(
          "BigDecimal|base64|Jackson|picocli|Exception|Error:|\\b(java|javax|io\\.grpc|okhttp)\\b"
              + "|\\b(int|long|boolean|Optional|null|enum|case-insensitive|JsonToken|class)\\b"
              + "|\\b[A-Z]+_[A-Z_]+\\b|\\b(spec|limits|stop|logs)\\.[a-z]|[a-z]_(bytes|millis|dir)"
              + "|[A-Z]{2,}, [A-Z]{2,}|index \\d|PKIX|<[a-z]");

  @TempDir private Path directory = Path.of("");

  private record Said(int code, String text) {}

  /** In this JVM, with its own standard error. */
  private static Said run(String... words) {
    StringWriter text = new StringWriter();
    CommandLine line = Main.commandLine();
    line.setErr(new PrintWriter(text, true));
    int code = line.execute(words);
    return new Said(code, text.toString());
  }

  private static void assertPlain(Said said, String... words) {
    assertThat(said.code()).as("%s: %s", List.of(words), said.text()).isIn(2, JobExit.OURS);
    assertThat(said.text()).startsWith("job-worker: ");
    assertThat(said.text().replace("JOB_WORKER_CONFIG", "")).doesNotContainPattern(FOREIGN);
    List<String> lines = said.text().lines().toList();
    assertThat(lines).hasSizeLessThanOrEqualTo(2);
    if (lines.size() == 2) {
      assertThat(lines.getLast()).startsWith("Try 'job-worker").endsWith(" --help'.");
    }
  }

  /** A server that nobody reaches, so that nothing is asked of any. */
  private Path noServer() throws IOException {
    return Files.writeString(
        directory.resolve("alice.toml"), "address = ''\nca=''\ncert=''\nkey=''");
  }

  @Test
  void whateverAnOptionIsGivenItIsRefusedInPlainWordsOrTaken() throws Exception {
    String config = noServer().toString();
    Set<String> tried = new HashSet<>(Set.of("--man-pages")); // which may be any directory
    for (Map.Entry<String, CommandLine> verb : Main.commandLine().getSubcommands().entrySet()) {
      for (OptionSpec option : verb.getValue().getCommandSpec().options()) {
        boolean isFile = verb.getKey().equals("logs") && option.longestName().equals("--output");
        if (option.arity().max() == 0 || isFile || !tried.add(option.longestName())) {
          continue;
        }
        for (String value :
            List.of("nonsense", "", "-1", "9".repeat(30), "1e999999999", "a\n\u001b[0mb", "=")) {
          List<String> words = new ArrayList<>(List.of(verb.getKey()));
          words.add(option.longestName() + "=" + value);
          if (!option.longestName().equals("--config")) {
            words.add("--config=" + config);
          }
          words.add(ID);
          assertPlain(run(words.toArray(String[]::new)), words.toArray(String[]::new));
        }
      }
    }
  }

  @Test
  void wordsTooManyOrTooFewAreToldInPlainWords() {
    for (String verb : Main.commandLine().getSubcommands().keySet()) {
      assertPlain(run(verb, "--nonsense"), verb, "--nonsense");
    }
    assertPlain(run("status"), "status");
    assertPlain(run("status", ID, ID), "status", ID, ID);
    assertPlain(run("start", "--name"), "start", "--name");
    assertPlain(run("start", "--name", "a", "--name", "b", "x"), "start", "two names");
    assertPlain(run("logs", "--tail", "1", "--since", "1m", ID), "logs", "two beginnings");
    assertPlain(run("nonsense"), "nonsense");
    assertPlain(run(), "nothing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--cpus x | --cpus x: write a number, as in 1.5",
        "--cpus 1e9 | --cpus 1e9: write a number",
        "--pids many | --pids many: write a whole number",
        "--pids -1 | --pids -1: write a number from 0",
        "--memory 3X | --memory: '3X' is not a size",
        "--timeout soon | --timeout: 'soon' is not a duration",
        "--network bridge | --network bridge: write host or none",
      })
  void theOptionAndItsValueAreNamed(String option, String text) {
    String[] words = option.split(" ");
    assertThat(run("start", words[0], words[1], "true").text()).startsWith("job-worker: " + text);
  }

  @Test
  void whatIsWrongWithAFileIsSaidBesideItsName() {
    assertThat(Failure.of(new NoSuchFileException("a/b")).message())
        .isEqualTo("cannot access a/b: there is no such file or directory");
    assertThat(Failure.of(new AccessDeniedException("a/b")).message())
        .isEqualTo("cannot access a/b: permission denied");
    assertThat(Failure.of(new FileSystemException("a", "b", "Is a directory")).message())
        .isEqualTo("cannot access a: Is a directory");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {":7443", "a b:1", "127.0.0.1:99999", "http://build1:7443", "::1", "build1", "x:0"})
  void anAddressThatIsNoneIsRefusedAtOnce(String address) throws Exception {
    Said byOption = run("status", "--address", address, "--config", noServer().toString(), ID);
    assertPlain(byOption, "--address", address);
    assertThat(byOption.text()).startsWith("job-worker: --address: '" + address);
    Path config =
        Files.writeString(
            directory.resolve("bob.toml"), "address = '" + address + "'\nca=''\ncert=''\nkey=''");
    Said byFile = run("status", "--config", config.toString(), ID);
    assertPlain(byFile, "address", address);
    assertThat(byFile.text()).startsWith("job-worker: the address in " + config + ": ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "address = 'x:1' | missing",
        "address = 'x:1'; ca=''; cert=''; key=''; cart='' | there is no key 'cart'",
        "address = | line 1 is not TOML",
        "address = [1] | no text in quotes",
        "'' | the key",
      })
  void aConfigurationThatIsWrongIsToldByKeyOrLine(String toml, String problem) throws Exception {
    Path config = Files.writeString(directory.resolve("wrong.toml"), toml.replace("; ", "\n"));
    Said said = run("status", "--config", config.toString(), ID);
    assertPlain(said, toml);
    assertThat(said.text()).contains(config.toString()).contains(problem);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "nonsense", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"})
  void aCertificateThatIsNoneIsToldByItsFile(String text) throws Exception {
    Path pem = Files.writeString(directory.resolve("a.pem"), text);
    String file = pem.toString();
    Said said =
        run("status", "--address", "localhost:1", "--ca", file, "--cert", file, "--key", file, ID);
    assertPlain(said, text);
    assertThat(said.text()).contains(file);
  }
}
