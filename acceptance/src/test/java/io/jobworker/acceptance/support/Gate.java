package io.jobworker.acceptance.support;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What a job waits at until the test lets it go on: a file that is not there yet. */
public final class Gate implements AutoCloseable {
  private final Path directory = PublicDirectory.create();
  private final Path file = directory.resolve("go");

  /** Words of a shell that wait; others may follow behind a semicolon. */
  public String waiting() {
    return "until [ -e " + file + " ]; do sleep 0.05; done";
  }

  /** The file, for scripts with a loop of their own. */
  public Path file() {
    return file;
  }

  /** Lets through whoever waits, and whoever comes. */
  public void open() throws IOException {
    Files.createFile(file);
  }

  @Override
  public void close() throws IOException {
    Files.deleteIfExists(file);
    Files.deleteIfExists(directory);
  }
}
