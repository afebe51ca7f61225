package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;

/**
 * Runs {@code job-worker} and {@code job-worker-server}: as processes of their own where that is
 * what is tested, and otherwise in a JVM that is up already, which takes a tenth of the time. Both
 * ways it is the program's own entry with its own standard output and error.
 */
public final class Programs {
  /** How long anything may take on a busy machine. */
  public static final Duration PATIENCE = Duration.ofMinutes(3);

  static final String CLIENT = "job-worker";
  static final String SERVER = "job-worker-server";

  /** Where the command line keeps what it remembers: nothing of a test's in anybody's home. */
  static final Map<String, String> STATE =
      Map.of("XDG_STATE_HOME", Path.of("target/xdg-state").toAbsolutePath().toString());

  private static final Path BIN = Path.of("../bin").toAbsolutePath().normalize();
  private static final ConcurrentLinkedDeque<ProgramHost.Handle> IDLE =
      new ConcurrentLinkedDeque<>();

  private Programs() {}

  /** Where the program is that users call. */
  static String path(String program) {
    return BIN.resolve(program).toString();
  }

  /** Runs one of the two programs in a JVM that is up. */
  static Result call(String program, List<String> arguments) {
    ProgramHost.Handle idle = IDLE.pollFirst();
    ProgramHost.Handle host = idle == null ? ProgramHost.start() : idle;
    Result result = host.call(program, arguments); // one that failed is not used again
    IDLE.addFirst(host);
    return result;
  }

  /** Runs a command as a process of its own. */
  public static Result run(List<String> command, Map<String, String> environment) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    try {
      return finished(builder.start());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Runs {@code job-worker} with these words and no configuration from the environment. */
  public static Result client(String... arguments) {
    List<String> command = new ArrayList<>(List.of(path(CLIENT)));
    command.addAll(List.of(arguments));
    return run(command, Map.of());
  }

  /** Waits for the process's end. */
  public static Result finished(Process process) {
    try {
      process.getOutputStream().close();
      CompletableFuture<byte[]> out = readAll(process.getInputStream());
      CompletableFuture<byte[]> err = readAll(process.getErrorStream());
      boolean ended = process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (!ended) { // of one that has ended this would close what is still to be read
        process.destroyForcibly();
      }
      assertThat(ended).as("ends").isTrue();
      return new Result(process.exitValue(), out.join(), new String(err.join(), UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Everything up to the stream's end, read beside whatever the caller does. */
  public static CompletableFuture<byte[]> readAll(InputStream stream) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (stream) {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        task -> Thread.ofVirtual().start(task));
  }
}
