package io.jobworker.server.audit;

import ch.qos.logback.core.FileAppender;
import ch.qos.logback.core.rolling.RollingPolicy;
import ch.qos.logback.core.rolling.RolloverFailure;
import ch.qos.logback.core.rolling.helper.CompressionMode;
import io.jobworker.base.units.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;

/**
 * Keeps so many older files beside a log: {@code FILE.1} is the newest of them. Logback's own
 * policies take the file's name for a pattern, in which {@code %}, braces and brackets mean
 * something; a directory may have any name.
 */
final class NumberedFiles implements RollingPolicy {
  private final Path file;
  private final ByteSize maxSize;
  private final int keep;

  NumberedFiles(Path file, ByteSize maxSize, int keep) {
    this.file = file;
    this.maxSize = maxSize;
    this.keep = keep;
  }

  /**
   * The appender has closed the file, and opens a new one afterwards; or the same again, if it is
   * not full: then somebody wants it opened anew.
   */
  @Override
  public void rollover() {
    try {
      if (Files.notExists(file) || Files.size(file) < maxSize.bytes()) {
        return;
      }
      for (int number = keep - 1; number >= 1; number--) {
        moveIfThere(older(number), older(number + 1));
      }
      moveIfThere(file, older(1));
    } catch (IOException e) {
      throw new RolloverFailure("cannot rotate " + file, e);
    }
  }

  private static void moveIfThere(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      // fewer files than may be kept
    }
  }

  private Path older(int number) {
    return file.resolveSibling(file.getFileName() + "." + number);
  }

  @Override
  public String getActiveFileName() {
    return file.toString();
  }

  @Override
  public CompressionMode getCompressionMode() {
    return CompressionMode.NONE;
  }

  @Override
  public void setParent(FileAppender<?> appender) {}

  @Override
  public void start() {}

  @Override
  public void stop() {}

  @Override
  public boolean isStarted() {
    return true;
  }
}
