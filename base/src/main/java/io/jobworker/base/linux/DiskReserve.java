package io.jobworker.base.linux;

import io.jobworker.base.units.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Room on a disk for what must be written there even where others have filled it: a file that is
 * deleted then, and made anew when there is room again. Thread-safe.
 */
public final class DiskReserve {
  private static final Logger LOG = LoggerFactory.getLogger(DiskReserve.class);

  private final Path file;
  private final Purpose purpose;

  /** Written under this object's lock. */
  private volatile boolean whole;

  private long releases; // guarded by this

  /**
   * What a reserve is for.
   *
   * @param whose disk it is on: {@code the job database}
   * @param need {@code running jobs may need to end}
   * @param bytes how much is kept
   */
  public record Purpose(String whose, String need, int bytes) {
    /** How much must be free before it is made: others are to have as much. */
    private long neededBytes() {
      return 2L * bytes;
    }

    /** With less than this free its user may not even begin. */
    private long shortBytes() {
      return bytes / 8;
    }

    private String full() {
      return "%s's disk is full: less than %s are free, which %s"
          .formatted(whose, ByteSize.of(neededBytes()), need);
    }
  }

  private DiskReserve(Path file, Purpose purpose) {
    this.file = file;
    this.purpose = purpose;
  }

  /** That of a user who is about to begin: released if room is short. */
  public static DiskReserve take(Path file, Purpose purpose) {
    DiskReserve reserve = none(file, purpose);
    reserve.takeOver();
    return reserve;
  }

  /** None, for a user who only reads. */
  public static DiskReserve none(Path file, Purpose purpose) {
    return new DiskReserve(file, purpose);
  }

  /** Why its user could not make it whole, or could not be told; changes nothing. */
  public static Optional<String> lackAt(Path file, Purpose purpose) {
    DiskReserve reserve = none(file, purpose);
    try {
      return reserve.isOnDisk() || reserve.usable() >= purpose.neededBytes()
          ? Optional.empty()
          : Optional.of(purpose.full());
    } catch (IOException e) {
      return Optional.of(
          "room on " + purpose.whose() + "'s disk cannot be told: " + e.getMessage());
    }
  }

  private boolean isOnDisk() throws IOException {
    return Files.exists(file) && Files.size(file) == purpose.bytes();
  }

  private synchronized void takeOver() {
    try {
      whole = isOnDisk();
      if (!whole || usable() < purpose.shortBytes()) {
        release();
      }
    } catch (IOException e) {
      whole = false;
    }
  }

  /** Makes it whole if there is room; says why it is not. */
  public Optional<String> lack() {
    return whole && Files.exists(file) ? Optional.empty() : refill();
  }

  private synchronized Optional<String> refill() {
    try {
      whole = isOnDisk();
      if (whole) {
        return Optional.empty();
      }
      if (usable() < purpose.neededBytes()) {
        return Optional.of(purpose.full());
      }
      Files.deleteIfExists(file);
      try (FileChannel out =
          FileChannel.open(
              file,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PrivateFiles.FILE)) {
        ByteBuffer zeros = ByteBuffer.allocate(purpose.bytes()); // a hole would keep no room
        while (zeros.hasRemaining()) {
          out.write(zeros);
        }
      }
      whole = true;
      return Optional.empty();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("file", file).setCause(e).log("reserve.not_filled");
      release(); // half of it is of no use
      return Optional.of(
          "room cannot be kept on " + purpose.whose() + "'s disk: " + e.getMessage());
    }
  }

  /** Makes room; returns whether there was any to be made. */
  public synchronized boolean release() {
    whole = false;
    try {
      if (!Files.deleteIfExists(file)) {
        return false;
      }
      releases++;
      LOG.atWarn()
          .addKeyValue("file", file)
          .addKeyValue("bytes", purpose.bytes())
          .log("reserve.released");
      return true;
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("file", file).setCause(e).log("reserve.not_released");
      return false;
    }
  }

  /** How often room was made. */
  public synchronized long releases() {
    return releases;
  }

  private long usable() throws IOException {
    return DiskSpace.of(file.resolveSibling("")).usableBytes();
  }
}
