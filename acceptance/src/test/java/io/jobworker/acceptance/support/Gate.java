package io.jobworker.acceptance.support;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * What a job waits at until the test lets it go on: a pipe on which nothing is said yet. Nobody who
 * waits takes any CPU, however long it is forgotten.
 */
public final class Gate implements AutoCloseable {
  private static final int MOST = 1000; // may come

  private final Path directory = PublicDirectory.create();
  private final Path pipe = directory.resolve("go");
  private final RandomAccessFile said;

  public Gate() {
    try {
      assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
      Files.setPosixFilePermissions(pipe, PosixFilePermissions.fromString("rw-r--r--"));
      said = new RandomAccessFile(pipe.toFile(), "rw"); // fifo(7): waits for no reader
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Words of a shell that wait; others may follow behind a semicolon. */
  public String waiting() {
    return "read -r go <" + pipe;
  }

  /**
   * Likewise, and that write {@code line}, words of a shell, whenever the test says {@link #tick}.
   * Nobody else may wait then.
   */
  public String ticking(String line) {
    return "while read -r go && [ -n \"$go\" ]; do " + line + "; done <" + pipe;
  }

  /** Asks who is {@link #ticking} for a line. */
  public void tick() throws IOException {
    said.write("tick\n".getBytes(US_ASCII));
  }

  /** Lets through whoever waits, and whoever comes. */
  public void open() throws IOException {
    said.write("\n".repeat(MOST).getBytes(US_ASCII)); // a shell takes no more than its line
  }

  @Override
  public void close() throws IOException {
    said.close();
    Files.deleteIfExists(pipe);
    Files.deleteIfExists(directory);
  }
}
