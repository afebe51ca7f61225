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
import java.io.Closeable;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
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

  private static final Duration ROTATION_PAUSE = Duration.ofMinutes(1);

  private final Path file;
  private final ByteSize maxSize;
  private final int keep;
  private final Logger logger;
  private final Encoder<ILoggingEvent> encoder;
  private final DiskReserve reserve;

  /** Over all that follows, and writing. */
  private final ReentrantLock lock = new ReentrantLock();

  private Opened current;

  /** Somebody has moved the file, or it is broken, and it could not be opened anew yet. */
  private boolean moved;

  /** Since the last line that was written. */
  private long lost;

  private final LongAdder lostInAll = new LongAdder();

  /** Until then, by System.nanoTime, it is not rotated, since that has failed. */
  private long rotateFrom = System.nanoTime();

  /**
   * An open file, and which one it is. By a {@link RandomAccessFile}: a channel closes itself under
   * whoever is interrupted while writing.
   */
  private record Opened(RandomAccessFile out, Object key) implements Closeable {
    static Opened of(Path file) throws IOException {
      RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw");
      try {
        ServerDirectory.requirePrivate(file);
        Opened opened =
            new Opened(
                out,
                Objects.requireNonNull(
                    Files.readAttributes(file, BasicFileAttributes.class).fileKey()));
        opened.endTornLine();
        return opened;
      } catch (IOException | RuntimeException e) {
        out.close();
        throw e;
      }
    }

    /** Of one who died, or could not take it back: the next one must not be glued to it. */
    private void endTornLine() throws IOException {
      long size = out.length();
      if (size > 0) {
        out.seek(size - 1);
        if (out.read() != '\n') {
          out.write('\n');
        }
      }
    }

    /** Writes a whole line or nothing, or throws when it is neither. */
    boolean write(byte[] line) throws IOException {
      long before = out.length();
      out.seek(before);
      try {
        out.write(line);
        return true;
      } catch (IOException e) {
        LOG.atDebug().setCause(e).log("audit.write_failed");
        out.setLength(before);
        return false;
      }
    }

    long size() throws IOException {
      return out.length();
    }

    boolean is(Path file) throws IOException {
      return Files.exists(file)
          && key.equals(Files.readAttributes(file, BasicFileAttributes.class).fileKey());
    }

    @Override
    public void close() throws IOException {
      out.close();
    }
  }

  private AuditFile(
      Path file, ByteSize maxSize, int keep, Logger logger, Encoder<ILoggingEvent> encoder)
      throws IOException {
    this.file = file;
    this.maxSize = maxSize;
    this.keep = keep;
    this.logger = logger;
    this.encoder = encoder;
    this.reserve = DiskReserve.take(file.resolveSibling(file.getFileName() + ".reserve"), ROOM);
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
      ServerDirectory.requireOwnDirectory(Objects.requireNonNull(file.getParent()));
      AuditFile opened = new AuditFile(file, maxSize, keep, logger, encoder);
      opened.setContext(logger.getLoggerContext());
      return opened;
    } catch (IOException e) {
      throw new ConfigException("cannot write the audit log " + file);
    }
  }

  private static Opened open(Path file) throws IOException {
    if (!Files.exists(file)) {
      Files.createFile(file, PrivateFiles.FILE);
    }
    return Opened.of(file);
  }

  @Override
  protected void append(ILoggingEvent event) {
    lock.lock();
    try {
      if (!tellLost() || !write(event)) {
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

  /**
   * Begins a moved file anew, if it can be; whether nothing is lost that the file does not tell.
   */
  private boolean tellLost() {
    if (moved) {
      beginAnew();
    }
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
    if (!write(told)) {
      return false;
    }
    lost = 0;
    return true;
  }

  /** Writes a whole line or nothing; says which. */
  private boolean write(ILoggingEvent event) {
    try {
      byte[] line = encoder.encode(event);
      if (line.length == 0) {
        return false; // the encoder has said why
      }
      rotateIfFull(line.length);
      return current.write(line) || (reserve.release() && current.write(line));
    } catch (IOException | RuntimeException e) { // also of taking back what was written in part
      LOG.atError().addKeyValue("file", file).setCause(e).log("audit.broken");
      moved = true; // opened anew, what was torn is ended
      return false;
    }
  }

  private void rotateIfFull(int more) throws IOException {
    long size = current.size();
    if (size == 0 || size + more <= maxSize.bytes() || System.nanoTime() - rotateFrom < 0) {
      return;
    }
    try {
      rotate();
    } catch (IOException | ConfigException e) {
      rotateFrom = System.nanoTime() + ROTATION_PAUSE.toNanos();
      LOG.atWarn().addKeyValue("file", file).setCause(e).log("audit.not_rotated");
    }
  }

  /** The older files are moved up only when there is something to take their places. */
  private void rotate() throws IOException {
    Path fresh = beside(".new");
    Path full = beside(".0");
    Files.deleteIfExists(fresh);
    Files.deleteIfExists(full);
    Files.createLink(full, file);
    Opened next = open(fresh);
    boolean done = false;
    try {
      for (int number = keep - 1; number >= 0; number--) {
        moveIfThere(beside("." + number), beside("." + (number + 1)));
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
      goOnWith(next);
      done = true;
    } finally {
      if (!done) {
        next.close();
      }
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

  private void goOnWith(Opened next) {
    Opened before = current;
    current = next;
    close(before);
  }

  private void close(Opened opened) {
    try {
      opened.close();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("file", file).setCause(e).log("audit.not_closed");
    }
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
      if (current.is(file)) {
        current.endTornLine();
      } else {
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
      if (!tellLost()) {
        LOG.atError().addKeyValue("file", file).addKeyValue("lines", lost).log("audit.lost");
      }
      close(current);
    } finally {
      lock.unlock();
    }
  }
}
