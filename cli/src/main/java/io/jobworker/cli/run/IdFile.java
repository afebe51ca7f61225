package io.jobworker.cli.run;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jobworker.cli.connect.UsageException;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/**
 * The file that gets a job's id, made before the job is started: a job whose id cannot be kept is
 * not started. Closed without an id, it is gone again. For one thread.
 */
public final class IdFile implements AutoCloseable {
  private final Optional<Path> file;
  private boolean written;

  private IdFile(Optional<Path> file) {
    this.file = file;
  }

  /**
   * Makes the file, if one is named.
   *
   * @throws UsageException if it is there already, which may be another job's, or cannot be made
   */
  public static IdFile of(Optional<Path> file) {
    if (file.isPresent()) {
      try {
        Files.createFile(file.get());
      } catch (FileAlreadyExistsException e) {
        throw new UsageException(
            "--id-file: " + file.get() + " is there already, perhaps of another job; remove it");
      } catch (IOException e) {
        throw new UsageException("--id-file: cannot make " + file.get());
      }
    }
    return new IdFile(file);
  }

  public void write(String id) throws IOException {
    if (file.isPresent()) {
      Files.writeString(file.get(), id + "\n", US_ASCII, StandardOpenOption.WRITE);
      written = true;
    }
  }

  @Override
  public void close() throws IOException {
    if (file.isPresent() && !written) {
      Files.deleteIfExists(file.get());
    }
  }
}
