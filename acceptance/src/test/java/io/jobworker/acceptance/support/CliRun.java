package io.jobworker.acceptance.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * {@code job-worker run} as a process of its own, whose job has begun: its script says {@code up}
 * on a line when it is ready for what is to come. What comes out is in files.
 */
public final class CliRun implements AutoCloseable {
  private final Path directory = PublicDirectory.create();
  private final Process process;

  public CliRun(Cli client, String script) throws IOException {
    ProcessBuilder run =
        client
            .process("run", "--no-stdin", "--id-file", idFile().toString(), "sh", "-c", script)
            .redirectOutput(out().toFile())
            .redirectError(err().toFile());
    // What a shell runs in the background, these tests for instance, ignores SIGINT by inheritance,
    // and what nohup(1) runs SIGHUP.
    run.command().addAll(0, List.of("env", "--default-signal"));
    process = run.start();
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> Files.readString(out()).startsWith("up\n") || !process.isAlive());
  }

  public Path out() {
    return directory.resolve("out");
  }

  public Path err() {
    return directory.resolve("err");
  }

  private Path idFile() {
    return directory.resolve("id");
  }

  /** The job's id. */
  public String id() throws IOException {
    return Files.readString(idFile()).strip();
  }

  /** Sends the command line a signal, by its name. */
  public void signal(String name) throws IOException, InterruptedException {
    Process kill = new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start();
    assertThat(kill.waitFor()).isZero();
  }

  public boolean isAlive() {
    return process.isAlive();
  }

  /** Waits for its end. */
  public int exitCode() throws InterruptedException {
    assertThat(process.waitFor(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS))
        .as("ends")
        .isTrue();
    return process.exitValue();
  }

  /** Ends the command line, if it has not ended, and not the job. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
