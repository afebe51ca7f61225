package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;
import org.awaitility.core.ConditionTimeoutException;

/**
 * A program in a real terminal: the only window of a tmux(1) server of its own, which ends with it.
 * When the program has ended, what it left on the screen is still there.
 */
public final class TerminalWindow implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(100); // each is a process
  private static final String CONFIGURATION =
      """
      set -g status off
      set -g escape-time 0
      set -g default-terminal tmux-256color
      set -g remain-on-exit on
      set -g remain-on-exit-format ''
      """;

  private final Path directory;

  private TerminalWindow(Path directory) {
    this.directory = directory;
  }

  /** Whether there can be one here. */
  public static boolean isPossible() {
    return Arrays.stream(System.getenv("PATH").split(":"))
        .anyMatch(place -> Files.isExecutable(Path.of(place, "tmux")));
  }

  /** Runs what {@link Cli#process} prepared, with more environment, in a window of this size. */
  public static TerminalWindow open(
      int columns, int rows, Map<String, String> environment, ProcessBuilder program)
      throws IOException {
    TerminalWindow window = new TerminalWindow(Files.createTempDirectory("job-worker-terminal-"));
    Files.writeString(window.directory.resolve("tmux.conf"), CONFIGURATION);
    List<String> words = new ArrayList<>(List.of("new-session", "-d"));
    words.addAll(List.of("-x", Integer.toString(columns), "-y", Integer.toString(rows)));
    Map<String, String> all = new HashMap<>(program.environment());
    all.putAll(environment);
    all.keySet().removeAll(System.getenv().keySet());
    all.forEach((name, value) -> words.addAll(List.of("-e", name + "=" + value)));
    // tmux does not always learn how its child has ended.
    String script = "trap : INT; \"$@\"; echo $? >\"$0.new\"; mv \"$0.new\" \"$0\"";
    words.addAll(List.of("sh", "-c", script, window.ended().toString()));
    words.addAll(program.command());
    window.tmux(words.toArray(String[]::new));
    return window;
  }

  private String tmux(String... words) {
    List<String> command =
        new ArrayList<>(
            List.of(
                "tmux",
                "-u",
                "-S",
                directory.resolve("socket").toString(),
                "-f",
                directory.resolve("tmux.conf").toString()));
    command.addAll(List.of(words));
    Result result = Programs.run(command, Map.of());
    assertThat(result.exitCode()).as(() -> command + ": " + result.err()).isZero();
    return new String(result.out(), UTF_8);
  }

  private String format(String format) {
    return tmux("display-message", "-p", format).strip();
  }

  /** What the screen shows, without the empty lines at its end. */
  public List<String> lines() {
    return tmux("capture-pane", "-p").stripTrailing().lines().toList();
  }

  /** The same with its colours, as a program would write them. */
  public String coloured() {
    return tmux("capture-pane", "-e", "-p").stripTrailing();
  }

  /** Whether a line was too wide for the terminal, and goes on in the next. */
  public boolean wraps() {
    return tmux("capture-pane", "-J", "-p").lines().count()
        < tmux("capture-pane", "-p").lines().count();
  }

  /** Has a file grow with every byte that the program writes from now on. */
  public Path record() {
    Path file = directory.resolve("recorded");
    tmux("pipe-pane", "exec cat >" + file);
    return file;
  }

  /** Waits until the screen is as it should be, and answers it. */
  public List<String> awaitLines(String what, Predicate<List<String>> asExpected) {
    AtomicReference<List<String>> seen = new AtomicReference<>(List.of());
    try {
      await(what)
          .atMost(Programs.PATIENCE)
          .pollInterval(POLL)
          .until(() -> {
            seen.set(lines());
            return asExpected.test(seen.get());
          });
    } catch (ConditionTimeoutException e) {
      throw new AssertionError(what + "; the screen is:\n" + String.join("\n", seen.get()), e);
    }
    return seen.get();
  }

  /** Waits until a line of the screen is as this regular expression has it. */
  public List<String> awaitLine(String pattern) {
    return awaitLines(pattern, lines -> lines.stream().anyMatch(line -> line.matches(pattern)));
  }

  /** Types text as it is. */
  public void type(String text) {
    tmux("send-keys", "-l", "--", text);
  }

  /** Presses keys, by tmux's names: C-c, Enter. */
  public void press(String... keys) {
    List<String> words = new ArrayList<>(List.of("send-keys"));
    words.addAll(List.of(keys));
    tmux(words.toArray(String[]::new));
  }

  public void resize(int columns, int rows) {
    tmux("resize-window", "-x", Integer.toString(columns), "-y", Integer.toString(rows));
  }

  /** Whether the program has a screen of its own, and what was there comes back after it. */
  public boolean isScreenAside() {
    return format("#{alternate_on}").equals("1");
  }

  /** Waits for the program's end, and until the screen shows all that it has written. */
  public int exitCode() throws IOException {
    try {
      await().atMost(Programs.PATIENCE).until(this::hasEnded);
      await().atMost(Programs.PATIENCE).until(() -> format("#{pane_dead}").equals("1"));
    } catch (ConditionTimeoutException e) {
      throw new AssertionError("it has not ended; the screen is:\n" + coloured(), e);
    }
    return Integer.parseInt(Files.readString(ended()).strip());
  }

  public boolean hasEnded() {
    return Files.exists(ended());
  }

  /** Holds the exit code, once there is one. */
  private Path ended() {
    return directory.resolve("ended");
  }

  @Override
  public void close() {
    tmux("kill-server");
    PreparedDirectory.delete(directory);
  }
}
