package io.jobworker.core.store;

import io.jobworker.base.linux.DiskSpace;
import io.jobworker.base.linux.PrivateFiles;
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
 * Room on the disk of the database for what must be written even where others have filled it: a
 * file that is deleted then, and made anew when there is room again. Thread-safe.
 */
final class DiskReserve {
  private static final Logger LOG = LoggerFactory.getLogger(DiskReserve.class);

  /**
   * For a log that SQLite begins anew after 1000 pages of 4 KiB (sqlite.org, PRAGMA
   * wal_autocheckpoint), and as much again.
   */
  private static final int BYTES = 8 << 20;

  /** How much must be free before it is made: others are to have as much. */
  static final long NEEDED_BYTES = 2L * BYTES;

  private static final String FULL =
      "the job database's disk is full: less than "
          + ByteSize.of(NEEDED_BYTES)
          + " are free, which running jobs may need to end";

  /** With less than this a database may not even be opened. */
  private static final long SHORT_BYTES = 1 << 20;

  private final Path file;

  /** Written under this object's lock. */
  private volatile boolean whole;

  private long releases; // guarded by this

  private DiskReserve(Path file) {
    this.file = file;
  }

  /** That of a disk with a database, which is about to be opened: released if it is short. */
  static DiskReserve beside(Path database) {
    DiskReserve reserve = new DiskReserve(database.resolveSibling("reserve"));
    reserve.takeOver();
    return reserve;
  }

  /** None, for a database that is only read. */
  static DiskReserve none(Path database) {
    return new DiskReserve(database.resolveSibling("reserve"));
  }

  /**
   * Why a server could not make that of a database whole, or could not be told; changes nothing.
   */
  static Optional<String> lackBeside(Path database) {
    DiskReserve reserve = none(database);
    try {
      return reserve.isOnDisk() || reserve.usable() >= NEEDED_BYTES
          ? Optional.empty()
          : Optional.of(FULL);
    } catch (IOException e) {
      return Optional.of("room on the job database's disk cannot be told: " + e.getMessage());
    }
  }

  private boolean isOnDisk() throws IOException {
    return Files.exists(file) && Files.size(file) == BYTES;
  }

  private synchronized void takeOver() {
    try {
      whole = isOnDisk();
      if (!whole || usable() < SHORT_BYTES) {
        release();
      }
    } catch (IOException e) {
      whole = false;
    }
  }

  /** Makes it whole if there is room; says why it is not. */
  Optional<String> lack() {
    return whole ? Optional.empty() : refill();
  }

  private synchronized Optional<String> refill() {
    if (whole) {
      return Optional.empty();
    }
    try {
      if (usable() < NEEDED_BYTES) {
        return Optional.of(FULL);
      }
      Files.deleteIfExists(file);
      try (FileChannel out =
          FileChannel.open(
              file,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PrivateFiles.FILE)) {
        ByteBuffer zeros = ByteBuffer.allocate(BYTES); // a hole would keep no room
        while (zeros.hasRemaining()) {
          out.write(zeros);
        }
      }
      whole = true;
      return Optional.empty();
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("reserve.not_filled");
      release(); // half of it is of no use
      return Optional.of("room for the ends of jobs cannot be kept: " + e.getMessage());
    }
  }

  /** Makes room; returns whether there was any to be made. */
  synchronized boolean release() {
    whole = false;
    try {
      if (!Files.deleteIfExists(file)) {
        return false;
      }
      releases++;
      LOG.atWarn().addKeyValue("bytes", BYTES).log("reserve.released");
      return true;
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("reserve.not_released");
      return false;
    }
  }

  /** How often room was made. */
  synchronized long releases() {
    return releases;
  }

  private long usable() throws IOException {
    return DiskSpace.of(file.resolveSibling("")).usableBytes();
  }
}
