package io.jobworker.server.audit;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.LoggingEvent;
import ch.qos.logback.core.UnsynchronizedAppenderBase;
import ch.qos.logback.core.encoder.Encoder;
import io.jobworker.base.linux.DiskReserve;
import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.base.units.ByteSize;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

/**
 * A file of lines, with so many older ones beside it: {@code FILE.1} is the newest of them. A line
 * is in the file when {@link #doAppend} returns, or it is counted as lost, and the next line that
 * can be written says so. A file that cannot be begun leaves the one before it in use.
 *
 * <p>Logback's own lose lines silently where a file cannot be opened or written, and take a file's
 * name for a pattern.
 */
final class AuditFile extends UnsynchronizedAppenderBase<ILoggingEvent> {
  private static final org.slf4j.Logger LOG = LoggerFactory.getLogger(AuditFile.class);

  private static final DiskReserve.Purpose ROOM =
      new DiskReserve.Purpose("the audit log", "what happens to jobs may need", 1 << 20);

  private final Path file;
  private final ByteSize maxSize;
  private final int keep;
  private final Logger logger;
  private final Encoder<ILoggingEvent> encoder;
  private final DiskReserve reserve;

  /** Over all that follows, and writing. */
  private final ReentrantLock lock = new ReentrantLock();

  private Opened current;

  /** Somebody has moved the file, and a new one could not be begun yet. */
  private boolean moved;

  /** Since the last line that was written. */
  private long lost;

  private final LongAdder lostInAll = new LongAdder();

  /** An open file, and which one it is. */
  private record Opened(FileChannel channel, Object key) {}

  private AuditFile(
      Path file, ByteSize maxSize, int keep, Logger logger, Encoder<ILoggingEvent> encoder)
      throws IOException {
    this.file = file;
    this.maxSize = maxSize;
    this.keep = keep;
    this.logger = logger;
    this.encoder = encoder;
    this.reserve = DiskReserve.take(file.resolveSibling("reserve"), ROOM);
    this.current = open(file);
    var _ = reserve.lack(); // made if it can be
  }

  /**
   * Opens it, made if it is missing, with the directory that it is in. The caller starts and stops
   * it.
   *
   * @param maxSize beyond which another one is begun
   * @param logger of the lines that are the file's own
   * @throws ConfigException if it cannot be written, or others can read it
   */
  static AuditFile open(
      Path file, ByteSize maxSize, int keep, Logger logger, Encoder<ILoggingEvent> encoder) {
    try {
      ServerDirectory.createParentPrivately(file);
      AuditFile opened = new AuditFile(file, maxSize, keep, logger, encoder);
      opened.setContext(logger.getLoggerContext());
      return opened;
    } catch (IOException e) {
      throw new ConfigException("cannot write the audit log " + file);
    }
  }

  private static Opened open(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(
            file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND), PrivateFiles.FILE);
    try {
      ServerDirectory.requirePrivate(file);
      return new Opened(channel, keyOf(file));
    } catch (IOException | ConfigException e) {
      channel.close();
      throw e;
    }
  }

  private static Object keyOf(Path file) throws IOException {
    return Objects.requireNonNull(
        Files.readAttributes(file, BasicFileAttributes.class).fileKey()); // there is one on Linux
  }

  @Override
  protected void append(ILoggingEvent event) {
    lock.lock();
    try {
      if (moved) {
        beginAnew();
      }
      if (!tellLost() || !write(encoder.encode(event))) {
        if (lost == 0) {
          LOG.atError().addKeyValue("file", file).log("audit.not_written");
        }
        lost++;
        lostInAll.increment();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Whether nothing is lost that the file does not tell. */
  private boolean tellLost() {
    if (lost == 0) {
      return true;
    }
    LoggingEvent told = new LoggingEvent();
    told.setLoggerContext(logger.getLoggerContext());
    told.setLoggerName(logger.getName());
    told.setLevel(Level.INFO);
    told.setMessage("audit.lost");
    told.setInstant(Instant.now());
    told.addKeyValuePair(new KeyValuePair("outcome", "failed"));
    told.addKeyValuePair(new KeyValuePair("lines", lost));
    if (!write(encoder.encode(told))) {
      return false;
    }
    lost = 0;
    return true;
  }

  /** Writes a whole line or nothing; says which. */
  private boolean write(byte[] line) {
    try {
      rotateIfFull(line.length);
      return tryToWrite(line) || (reserve.release() && tryToWrite(line));
    } catch (IOException e) { // also of taking back what was written in part
      LOG.atError().addKeyValue("file", file).setCause(e).log("audit.broken");
      return false;
    }
  }

  private boolean tryToWrite(byte[] line) throws IOException {
    FileChannel channel = current.channel();
    long before = channel.size();
    ByteBuffer rest = ByteBuffer.wrap(line);
    try {
      while (rest.hasRemaining()) {
        channel.write(rest);
      }
      return true;
    } catch (IOException e) {
      LOG.atDebug().setCause(e).log("audit.write_failed");
      channel.truncate(before);
      return false;
    }
  }

  private void rotateIfFull(int more) throws IOException {
    long size = current.channel().size();
    if (size == 0 || size + more <= maxSize.bytes()) {
      return;
    }
    Path fresh = beside(".new");
    try {
      Files.deleteIfExists(fresh);
      Opened next = open(fresh); // before anything is moved
      for (int number = keep - 1; number >= 1; number--) {
        moveIfThere(beside("." + number), beside("." + (number + 1)));
      }
      moveIfThere(file, beside(".1"));
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
      goOnWith(next);
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("file", file).setCause(e).log("audit.not_rotated");
    }
  }

  private Path beside(String suffix) {
    return file.resolveSibling(file.getFileName() + suffix);
  }

  private static void moveIfThere(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (NoSuchFileException e) {
      // fewer files than may be kept
    }
  }

  private void goOnWith(Opened next) throws IOException {
    FileChannel before = current.channel();
    current = next;
    before.close();
  }

  /** Goes on in a new file if the one that was written has been moved: now, or when it can. */
  void reopen() {
    lock.lock();
    try {
      beginAnew();
    } finally {
      lock.unlock();
    }
  }

  private void beginAnew() {
    moved = true;
    try {
      if (Files.notExists(file) || !keyOf(file).equals(current.key())) {
        goOnWith(open(file));
      }
      moved = false;
    } catch (IOException | ConfigException e) {
      LOG.atWarn().addKeyValue("file", file).setCause(e).log("audit.not_reopened");
    }
  }

  /** Why a line that comes now might be lost; empty if none would be. */
  Optional<String> lack() {
    lock.lock();
    try {
      return tellLost()
          ? reserve.lack()
          : Optional.of("the audit log cannot be written, and lines are lost");
    } finally {
      lock.unlock();
    }
  }

  /** How many lines were. */
  long lost() {
    return lostInAll.sum();
  }

  @Override
  public void stop() {
    lock.lock();
    try {
      super.stop();
      current.channel().close();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("file", file).setCause(e).log("audit.not_closed");
    } finally {
      lock.unlock();
    }
  }
}
