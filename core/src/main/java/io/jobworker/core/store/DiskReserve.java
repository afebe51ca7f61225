package io.jobworker.core.store;

import io.jobworker.base.linux.PrivateFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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

  /** With less than this a database may not even be opened. */
  private static final long SHORT_BYTES = 1 << 20;

  private final Path file;

  /** Written under this object's lock. */
  private volatile boolean whole;

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

  private synchronized void takeOver() {
    try {
      whole = Files.exists(file) && Files.size(file) == BYTES;
      if (whole && usable() < SHORT_BYTES) {
        release();
      }
    } catch (IOException e) {
      whole = false;
    }
  }

  /** Makes it whole if there is room; returns whether it is. */
  boolean isWhole() {
    return whole || refill();
  }

  private synchronized boolean refill() {
    if (whole) {
      return true;
    }
    try {
      if (usable() < 2L * BYTES) {
        return false; // others are to have as much
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
    } catch (IOException e) {
      LOG.atDebug().setCause(e).log("reserve.not_filled");
    }
    return whole;
  }

  /** Makes room; returns whether there was any to be made. */
  synchronized boolean release() {
    if (!whole) {
      return false;
    }
    whole = false;
    try {
      Files.deleteIfExists(file);
      LOG.atWarn().addKeyValue("bytes", BYTES).log("reserve.released");
      return true;
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("reserve.not_released");
      return false;
    }
  }

  private long usable() throws IOException {
    return Files.getFileStore(file.resolveSibling("")).getUsableSpace();
  }
}
