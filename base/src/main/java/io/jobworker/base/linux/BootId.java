package io.jobworker.base.linux;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Which boot of the host this is (random(4)): it changes when the host restarts. */
public final class BootId {
  private static final Path FILE = Path.of("/proc/sys/kernel/random/boot_id");

  private BootId() {}

  /**
   * Of this boot; empty if the host does not tell.
   *
   * @throws UncheckedIOException if it cannot be read now
   */
  public static String current() {
    try {
      return Files.readString(FILE).strip();
    } catch (NoSuchFileException e) {
      return "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
