package io.jobworker.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.cli.exit.ExitCodes;
import io.jobworker.cli.words.Words;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What the program says of itself, and of words that it does not understand. */
class CommandLineTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    CommandLine line = Main.commandLine();
    line.setOut(new PrintWriter(out));
    line.setErr(new PrintWriter(err));
    return line.execute(arguments);
  }

  static Stream<String> verbs() {
    return Main.commandLine().getSubcommands().entrySet().stream()
        .filter(verb -> !verb.getValue().getCommandSpec().usageMessage().hidden())
        .filter(verb -> verb.getKey().equals(verb.getValue().getCommandName())) // no other name
        .map(Map.Entry::getKey);
  }

  private static CommandLine verb(String name) {
    return Objects.requireNonNull(Main.commandLine().getSubcommands().get(name));
  }

  private static String[] footer(String verb) {
    return verb(verb).getCommandSpec().usageMessage().footer();
  }

  @Nested
  class WhatIsNotUnderstood {
    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "lgos 813c | there is no verb 'lgos'; did you mean logs?",
          "help lgos | there is no verb 'lgos'; did you mean logs?",
          "frobnicate | there is no verb 'frobnicate'",
          "logs --tial 813c | unknown option --tial; did you mean --tail?",
          "logs --sicne=1h 813c | unknown option --sicne; did you mean --since?",
          "logs --frobnicate 813c | unknown option --frobnicate",
          "help run stop | unexpected word 'stop'",
          "kill -HUP 813c | unknown option -HUP; a signal is given by -s HUP",
        })
    void aWordIsNamedWithWhatMayHaveBeenMeant(String words, String said) {
      assertThat(run(words.split(" "))).isEqualTo(2);
      assertThat(err.toString().lines().findFirst()).contains("job-worker: " + said);
      assertThat(out.toString()).isEmpty();
    }
  }

  @Test
  void whatIsMissingIsTheNameOfAVerb() {
    assertThat(run()).isEqualTo(2);
    assertThat(err.toString()).startsWith("job-worker: name one of run, start, status, ");
    err.getBuffer().setLength(0);
    assertThat(run("context")).isEqualTo(2);
    assertThat(err.toString()).startsWith("job-worker: name one of ").contains("ls", "use", "show");
  }

  @Nested
  class Help {
    @ParameterizedTest
    @MethodSource("io.jobworker.cli.CommandLineTest#verbs")
    void ofAVerbIsTheSameInBothWays(String verb) {
      assertThat(run("help", verb)).isZero();
      String help = out.toString();
      out.getBuffer().setLength(0);
      assertThat(run(verb, "--help")).isZero();
      assertThat(out).hasToString(help);
      assertThat(help).contains("Usage: job-worker " + verb, "Exit codes:", "Help:");
      assertThat(err.toString()).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("io.jobworker.cli.CommandLineTest#verbs")
    void hasTheVerbsOwnOptionsFirstAndTheCommonOnesLast(String verb) {
      run("help", verb);
      String help = out.toString();
      assertThat(help.indexOf("\nThe server:\n")).isPositive();
      assertThat(help.indexOf("\nOptions:\n")).isLessThan(help.indexOf("\nThe server:\n"));
      assertThat(help.indexOf("\nThe server:\n")).isLessThan(help.indexOf("\nHelp:\n"));
      String said = help.substring(help.indexOf("\nWhat is said:\n"), help.indexOf("\nHelp:\n"));
      assertThat(said).contains("--quiet", "--verbose", "--color");
    }

    @Test
    void isShortWithAShortOption() {
      assertThat(run("run", "-h")).isZero();
      assertThat(out.toString())
          .contains("--detach", "job-worker help run")
          .doesNotContain("--cpus");
    }

    @ParameterizedTest
    @MethodSource("io.jobworker.cli.CommandLineTest#verbs")
    void hasThreeExamplesAtLeastUnderTheirHeading(String verb) {
      assumeFalse(verb.equals("version"), "there is one way to ask for it");
      List<String> lines = List.of(footer(verb));
      assertThat(lines).contains("Examples:");
      assertThat(lines.subList(lines.indexOf("Examples:"), lines.size()))
          .filteredOn(line -> line.startsWith("  job-worker "))
          .hasSizeGreaterThanOrEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(strings = {"run", "start"})
    void saysHowSizesAndTimesAreWritten(String verb) {
      assertThat(String.join("\n", footer(verb))).contains("1.5G", "256Mi", "1K is 1024", "1h30m");
    }

    @ParameterizedTest
    @MethodSource("io.jobworker.cli.CommandLineTest#verbs")
    void flowsInLinesThatFit(String verb) {
      run("help", verb);
      List<String> lines = out.toString().lines().toList();
      assertThat(lines)
          .filteredOn(line -> !line.startsWith("  job-worker ")) // to be copied as they are
          .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(80));
      assertThat(lines).noneMatch(line -> line.endsWith("~/.")); // nor is a path broken
      String footer = String.join("\n", lines.subList(lines.indexOf("Exit codes:"), lines.size()));
      for (String paragraph : footer.split("\n\n")) {
        List<String> said = paragraph.lines().toList();
        for (int i = 1; i < said.size() && !said.get(i).startsWith(" "); i++) {
          String next = said.get(i).split(" ", 2)[0];
          assertThat(said.get(i - 1).length() + 1 + next.length())
              .as(said.get(i))
              .isGreaterThan(79);
        }
      }
    }

    @Test
    void isThereForWhatHasTwoWordsToo() {
      for (String verb : List.of("ls", "use", "show")) {
        assertThat(run("context", verb, "--help")).isZero();
        assertThat(run("context", verb, "-h")).isZero();
        assertThat(out.toString())
            .contains("Usage: job-worker context " + verb)
            .contains("'job-worker context " + verb + " --help' tells more");
      }
      assertThat(run("context", "ls", "--version")).isZero();
      assertThat(err.toString()).isEmpty();
    }

    @Test
    void tellsTheVersionToWhoeverLooksForAVerb() {
      assertThat(run("version")).isZero();
      assertThat(out.toString()).startsWith("job-worker 0.");
      String version = out.toString();
      out.getBuffer().setLength(0);
      assertThat(run("--version")).isZero();
      assertThat(out).hasToString(version);
    }

    /** All that a command line can be held to without a server. */
    @ParameterizedTest
    @MethodSource("io.jobworker.cli.CommandLineTest#verbs")
    void hasExamplesThatAreUnderstood(String verb) {
      for (String line : footer(verb)) {
        if (line.startsWith("  job-worker ")) {
          List<String> words = new ArrayList<>(Words.split(line.strip()));
          words.removeFirst();
          int end = 0;
          while (end < words.size() && !words.get(end).matches("[|<>].*")) {
            end++;
          }
          Main.commandLine().parseArgs(words.subList(0, end).toArray(String[]::new));
        }
      }
    }
  }

  @Nested
  class ExitCodesPage {
    @Test
    void hasTheTableThatHelpHas() throws IOException {
      String page = Files.readString(Path.of("../docs/cli.md"));
      for (Map<String, String> codes : List.of(ExitCodes.ofVerbs(), ExitCodes.ofJobs())) {
        codes.forEach(
            (code, meaning) -> assertThat(page).contains("| " + code + " | " + meaning + " |"));
      }
    }
  }

  @Nested
  class ManualPages {
    @TempDir private Path directory;

    @Test
    void thereIsOneForEachVerbWithAllItsOptions() throws IOException {
      assertThat(run("help", "--man-pages", directory.toString())).isZero();
      assertThat(Files.readString(directory.resolve("job-worker.1"))).contains(".SH \"VERBS\"");
      for (String verb : verbs().toList()) {
        CommandLine command = verb(verb);
        String page =
            Files.readString(directory.resolve("job-worker-" + command.getCommandName() + ".1"));
        for (OptionSpec option : command.getCommandSpec().options()) {
          if (!option.hidden()) {
            assertThat(page).contains(option.longestName().replace("-", "\\-"));
          }
        }
      }
    }

    @Test
    void theyAreWithoutFault() throws Exception {
      assumeTrue(Files.isExecutable(Path.of("/usr/bin/groff")), "groff is here");
      run("help", "--man-pages", directory.toString());
      try (Stream<Path> pages = Files.list(directory)) {
        for (Path page : pages.toList()) {
          Process groff =
              new ProcessBuilder("groff", "-man", "-Tutf8", "-ww", "-z", page.toString())
                  .redirectErrorStream(true)
                  .start();
          assertThat(groff.getInputStream().readAllBytes()).asString().isEmpty();
          assertThat(groff.waitFor()).isZero();
        }
      }
    }
  }
}
