package io.jobworker.acceptance.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** A directory that test and job share: jobs have a /tmp of their own, and are other users. */
public final class PublicDirectory {
  private PublicDirectory() {}

  public static Path create() {
    try {
      Path directory = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-test-");
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
      directory.toFile().deleteOnExit();
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
