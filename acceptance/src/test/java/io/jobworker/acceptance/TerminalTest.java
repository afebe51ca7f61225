package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.Cli;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.PublicDirectory;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.TerminalWindow;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a person sees in a terminal, in a narrow one, a usual one and a wide one. */
@Order(1)
@Timeout(600)
class TerminalTest {
  private static final List<Integer> WIDTHS = List.of(60, 80, 200);
  private static final int ROWS = 24;

  /** Has two columns a character, an emoji too, and what would turn the line around. */
  private static final String WIDE = "夜間バックアップ✅";

  private static final String TURNED = "a\u202egpj.exe";

  private static ServerProcess server;
  private static String running;
  private static String failed;

  @BeforeAll
  static void start() {
    assumeTrue(TerminalWindow.isPossible(), "tmux is here");
    server = ServerProcess.start();
    String label = "for=tables";
    server.as("alice").start("-l", label, "--name", "x".repeat(100), "--", "sleep", "1000");
    failed =
        server
            .as("alice")
            .start("-l", label, "--name", TURNED, "--", "sh", "-c", "exit 3", "\033[2J\n");
    running =
        server
            .as("alice")
            .start(
                words(
                    "-l",
                    label,
                    "--name",
                    WIDE,
                    "--timeout",
                    "3h",
                    "--",
                    "sh",
                    "-c",
                    "sleep 1000; echo " + "計算 and some words ".repeat(12)));
    server.log().event("job.ended", failed);
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  private static String[] words(String... words) {
    return words;
  }

  private static Cli alice() {
    return server.as("alice");
  }

  private static TerminalWindow open(int columns, String... words) throws IOException {
    return open(columns, Map.of(), words);
  }

  private static TerminalWindow open(int columns, Map<String, String> environment, String... words)
      throws IOException {
    return TerminalWindow.open(columns, ROWS, environment, alice().process(words));
  }

  /** The same in windows of all widths, looked at when the program has ended. */
  private static void inAllWidths(Consumer<TerminalWindow> look, String... words)
      throws IOException {
    for (int columns : WIDTHS) {
      try (TerminalWindow window = open(columns, words)) {
        assertThat(window.exitCode()).isZero();
        assertThat(window.wraps()).as(() -> String.join("\n", window.lines())).isFalse();
        look.accept(window);
      }
    }
  }

  /** The column of the terminal in which something begins in a line. */
  private static int column(String line, String what) {
    int at = line.indexOf(what);
    assertThat(at).as("'%s' in: %s", what, line).isNotNegative();
    return line.substring(0, at).codePoints().map(c -> c == '…' || c < 0x2000 ? 1 : 2).sum();
  }

  private static String lineWith(List<String> lines, String what) {
    return lines.stream()
        .filter(line -> line.contains(what))
        .findFirst()
        .orElseThrow(() -> new AssertionError(what + " in:\n" + String.join("\n", lines)));
  }

  @Test
  void aListFitsItsTerminalAndItsColumnsAreStraightWhateverNamesHold() throws Exception {
    inAllWidths(
        window -> {
          List<String> lines = window.lines();
          assertThat(lines).hasSize(4);
          int status = column(lines.getFirst(), "STATUS");
          assertThat(column(lineWith(lines, running.substring(0, 8)), "running")).isEqualTo(status);
          assertThat(column(lineWith(lines, failed.substring(0, 8)), "failed")).isEqualTo(status);
          assertThat(window.coloured())
              .contains("\033[32mrunning", "\033[31mfailed")
              .doesNotContain("\u202e");
          if (lines.getFirst().length() > 100) {
            assertThat(lineWith(lines, failed.substring(0, 8)))
                .matches(".* a\\\\u202egpj\\.exe +failed: exit code 3 .*\\$'\\\\x1b\\[2J\\\\n'");
          }
        },
        "ls",
        "--label",
        "for=tables");
  }

  @Test
  void aStatusIsFoldedRatherThanCut() throws Exception {
    inAllWidths(
        window -> {
          String text = String.join(" ", window.lines()).replaceAll(" +", " ");
          assertThat(text.split("計算", -1)).hasSize(13);
          assertThat(text).contains("by alice", "time limit 3h", "job-worker logs");
          assertThat(window.lines()).anyMatch(line -> line.startsWith(" ".repeat(10)));
        },
        "status",
        running);
  }

  @Test
  void figuresAreRewrittenInPlaceAndFitAWindowThatIsResized() throws Exception {
    Path out = PublicDirectory.create().resolve("before");
    Files.writeString(out, "what was here before\n");
    ProcessBuilder stats = alice().process("stats", "--label", "for=tables");
    stats.command().addAll(0, List.of("sh", "-c", "cat \"$0\"; exec \"$@\"", out.toString()));
    try (TerminalWindow window = TerminalWindow.open(80, ROWS, Map.of(), stats)) {
      Path recorded = window.record();
      List<String> usual = window.awaitLine(".*running +\\d+%.*");
      assertThat(usual.getFirst()).matches("ID +NAME +STATUS +CPU +MEMORY +PIDS.*");
      assertThat(window.wraps()).as(String.join("\n", usual)).isFalse();
      assertThat(usual).hasSize(4);
      assertThat(window.isScreenAside()).isTrue();
      for (int columns : List.of(60, 200)) {
        window.resize(columns, ROWS);
        await() // there may be lines of the frame before
            .atMost(Programs.PATIENCE)
            .untilAsserted(() -> {
              List<String> fitted = window.lines();
              assertThat(fitted).as("as many figures as there is room for").hasSize(4);
              assertThat(fitted.getFirst().contains("READ/s")).isEqualTo(columns > 60);
              assertThat(fitted.getFirst().contains("OUTPUT/s")).isEqualTo(columns > 80);
              assertThat(window.wraps()).as(String.join("\n", fitted)).isFalse();
              assertThat(column(lineWith(fitted, running.substring(0, 8)), "running"))
                  .isEqualTo(column(fitted.getFirst(), "STATUS"));
            });
      }
      await().atMost(Programs.PATIENCE).until(() -> frames(recorded).size() > 3);
      // A frame erases what is left of its lines and, at its end, of the screen: nothing before.
      assertThat(frames(recorded))
          .allSatisfy(frame ->
              assertThat(frame)
                  .doesNotContain("\033[2J", "\033[1J", "\033[?25l")
                  .containsOnlyOnce("\033[J"))
          .allSatisfy(frame -> assertThat(frame).startsWith("ID ").endsWith("\033[J"));
      window.press("C-c");
      assertThat(window.exitCode()).isEqualTo(130);
      assertThat(window.isScreenAside()).isFalse();
      // Where exactly is tmux's affair, which folds what was there when a window is resized.
      List<String> left = window.lines();
      assertThat(left).anyMatch(line -> line.endsWith("what was here before"));
      assertThat(left.get(left.size() - 4)).startsWith("ID ");
    }
  }

  @Test
  void figuresGiveTheTerminalBackWhileTheyAreStopped() throws Exception {
    ProcessBuilder stats = alice().process("stats", "--label", "for=tables");
    String shell = "\"$0\" \"$@\"; echo stopped by $(($? - 128)); read go; fg";
    stats.command().addAll(0, List.of("bash", "-mc", shell));
    try (TerminalWindow window = TerminalWindow.open(80, ROWS, Map.of(), stats)) {
      window.awaitLine(".*running +\\d+%.*");
      window.press("C-z");
      window.awaitLine("stopped by 20"); // SIGTSTP
      assertThat(window.isScreenAside()).isFalse();
      window.press("Enter");
      window.awaitLine(".*running +\\d+%.*");
      assertThat(window.isScreenAside()).isTrue();
      window.press("C-c");
      assertThat(window.exitCode()).isEqualTo(130);
    }
  }

  @Test
  void whereNoLineCanBeWrittenOverNoneIs() throws Exception {
    for (String[] verb :
        List.of(words("stats", "name:" + WIDE), words("wait", "--timeout", "3s", running))) {
      ProcessBuilder program = alice().process(verb);
      program.command().addAll(0, List.of("env", "TERM=dumb"));
      try (TerminalWindow window = TerminalWindow.open(80, ROWS, Map.of(), program)) {
        Path recorded = window.record();
        if (verb[0].equals("stats")) {
          window.awaitLines("two tables", lines -> headings(lines) > 1);
          window.press("C-c");
        }
        assertThat(window.exitCode()).isNotZero();
        assertThat(recorded).content(ISO_8859_1).doesNotContain("\033");
      }
    }
  }

  private static long headings(List<String> lines) {
    return lines.stream().filter(line -> line.startsWith("ID ")).count();
  }

  /** All that are complete, by where the cursor goes home. */
  private static List<String> frames(Path recorded) throws IOException {
    List<String> parts =
        Stream.of(Files.readString(recorded, ISO_8859_1).split("\033\\[H", -1)).skip(1).toList();
    return parts.subList(0, Math.max(0, parts.size() - 1));
  }

  @Test
  void linesOfSeveralJobsHaveTheirJobInColourBeforeThem() throws Exception {
    alice().start("--name", "left", "--", "sh", "-c", "echo from left");
    alice().start("--name", "日本", "--", "sh", "-c", "echo from right >&2");
    try (TerminalWindow window = open(60, "logs", "-f", "name:left", "name:日本")) {
      assertThat(window.exitCode()).isZero();
      assertThat(window.lines())
          .containsExactlyInAnyOrder("name:left | from left", "name:日本 | from right");
      assertThat(window.coloured())
          .contains(
              "\033[36mname:left |\033[39m from left", "\033[33mname:日本 |\033[39m from right");
    }
  }

  @Test
  void helpIsAsWideAsTheTerminal() throws Exception {
    for (int columns : WIDTHS) {
      try (TerminalWindow window =
          TerminalWindow.open(columns, 200, Map.of(), alice().process("help", "stats"))) {
        assertThat(window.exitCode()).isZero();
        assertThat(window.wraps()).as(() -> String.join("\n", window.lines())).isFalse();
        int longest = window.lines().stream().mapToInt(String::length).max().orElse(0);
        assertThat(longest).isBetween(columns / 2, Math.min(columns, 100));
      }
    }
  }

  @Test
  void nothingIsColouredForWhoeverWantsNone() throws Exception {
    for (String[] verb :
        List.of(
            words("ls", "--label", "for=tables"), words("logs", "--no-follow", running, failed))) {
      try (TerminalWindow window = open(80, Map.of("NO_COLOR", "1"), verb)) {
        assertThat(window.exitCode()).isZero();
        assertThat(window.coloured()).as(String.join(" ", verb)).doesNotContain("\033");
      }
    }
  }

  @Test
  void whatIsTypedReachesTheJobUntilItsEndIsTyped() throws Exception {
    try (TerminalWindow window = open(80, "run", "-i", "sh", "-c", "echo up; cat; echo end")) {
      window.awaitLine("up");
      window.type("über 日本");
      window.press("Enter");
      window.awaitLines("typed, and said", lines -> lines.size() == 3);
      window.press("C-d");
      assertThat(window.exitCode()).isZero();
      assertThat(window.lines()).containsExactly("up", "über 日本", "über 日本", "end");
    }
  }

  @Test
  void controlCInterruptsAJobAndAtTwiceKillsIt() throws Exception {
    String stubborn = "trap 'echo interrupted' INT; echo up; while :; do sleep 0.05; done";
    try (TerminalWindow window = open(80, "run", "sh", "-c", stubborn)) {
      window.awaitLine("up");
      // On a busy machine the second may come too late to be one.
      for (int pressed = 1; !window.hasEnded(); pressed++) {
        int times = pressed;
        window.press("C-c");
        window.awaitLines(
            "interrupted " + times + " times, or ended",
            lines ->
                lines.stream().filter(line -> line.endsWith("interrupted")).count() >= times
                    || window.hasEnded());
      }
      assertThat(window.lines()).contains("^Cinterrupted");
      assertThat(window.exitCode()).isEqualTo(137);
    }
  }

  @Test
  void aWaitShowsForHowLongAndHowTheJobIsAndLeavesNoTrace() throws Exception {
    try (Gate gate = new Gate()) {
      String id = alice().start("--name", WIDE, "--shell", gate.waiting() + "; exit 4");
      try (TerminalWindow window = open(60, "wait", id)) {
        window.awaitLine("waiting \\d+s: " + id.substring(0, 8) + "  " + WIDE + ", running");
        gate.open();
        assertThat(window.exitCode()).isEqualTo(4);
        assertThat(window.lines()).containsExactly(id.substring(0, 8) + "  failed: exit code 4");
      }
    }
  }

  @Test
  void aWaitThatIsInterruptedLeavesNoTraceEither() throws Exception {
    try (TerminalWindow window = open(60, "wait", running)) {
      window.awaitLine("waiting \\d+s: .*");
      window.press("C-c");
      assertThat(window.exitCode()).isEqualTo(130);
      assertThat(window.lines()).allMatch(String::isBlank);
    }
  }

  @Test
  void aDownloadShowsHowMuchHasComeAndLeavesNoTrace() throws Exception {
    Path copy = PublicDirectory.create().resolve("copy");
    try (Gate gate = new Gate()) {
      String id = alice().start("--shell", gate.ticking("echo line"));
      try (TerminalWindow window = open(60, "logs", "--output", copy.toString(), id)) {
        await()
            .atMost(Programs.PATIENCE)
            .until(() -> {
              gate.tick();
              return window.lines().stream().anyMatch(line -> line.matches("\\S+B  \\S+B/s"));
            });
        gate.open();
        assertThat(window.exitCode()).isZero();
        assertThat(window.lines()).allMatch(String::isBlank);
        assertThat(copy).content().startsWith("line\nline\n");
      }
    }
  }
}
