package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.MemoryCalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One segment of a log, read only ({@code docs/log-format.md}). Its file may become a later
 * segment's at any time: what was read from it is to be trusted only if the log's oldest offset,
 * looked at afterwards, is not beyond it. Whatever the file holds, a read gives bytes or an
 * exception and ends.
 *
 * <p>Thread-safe. Any number read, each between its own {@link #acquire} and {@link #release},
 * which keep the file open once for all of them.
 */
final class Segment {
  static final int VERSION = 2;
  private static final long MAGIC = 0x0a0d31474f4c574aL; // "JWLOG1\r\n"
  private static final int HEADER_BYTES = 64;
  private static final int RECORD_BYTES = 16;
  private static final int MAX_SEGMENTS = 1024;
  private static final int MAX_LOOKS = 100;

  /** A frame's bytes: from the end of the one before to {@code end}, which may grow. */
  record Frame(long end, StdStream stream, long micros) {}

  /** A segment's header. */
  record Header(int segments, long indexBytes, long sequence, long base, long floor) {}

  private final Path directory;
  private final Header header;

  // Guarded by this; non-null while users > 0, and read without the lock by whoever is one of them.
  private int users;
  private @Nullable Fd file;

  Segment(Path directory, Header header) {
    this.directory = directory;
    this.header = header;
  }

  static Path file(Path directory, long sequence, int segments) {
    return directory.resolve("%04d.seg".formatted(sequence % segments));
  }

  /**
   * The header of the file; empty if there is no such file, or none whose writer got so far.
   *
   * @throws OutputLog.UnknownVersion if it is of a version that this one cannot read
   */
  static Optional<Header> readHeader(Path file) throws IOException {
    try (Fd fd = FileCalls.open(file, FileCalls.O_RDONLY)) {
      return readHeader(fd);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static Optional<Header> readHeader(Fd fd) throws IOException {
    byte[] bytes = new byte[HEADER_BYTES];
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (FileCalls.pread(fd, 0, bytes, HEADER_BYTES) < HEADER_BYTES || words.getLong(0) != MAGIC) {
      return Optional.empty();
    }
    if (words.getInt(8) != VERSION) {
      throw new OutputLog.UnknownVersion(fd + " is a log of version " + words.getInt(8));
    }
    Header header =
        new Header(
            words.getInt(12),
            words.getLong(16),
            words.getLong(32),
            words.getLong(40),
            words.getLong(48));
    boolean sound =
        header.segments > 0
            && header.segments <= MAX_SEGMENTS
            && header.indexBytes >= HEADER_BYTES
            && header.indexBytes <= 1L << 40
            && header.sequence >= 0
            && header.base >= 0;
    return sound ? Optional.of(header) : Optional.empty();
  }

  long base() {
    return header.base;
  }

  long sequence() {
    return header.sequence;
  }

  /** The log had got so far, kept or not, when this segment was written last. */
  long floor() {
    return Math.max(header.base, header.floor);
  }

  /** How many files the ring has; segment N is in that of N modulo this. */
  int segments() {
    return header.segments;
  }

  boolean has(Header other) {
    return header.sequence == other.sequence && header.base == other.base;
  }

  /**
   * Keeps the file open until {@link #release}. Returns false if it is another segment's, or gone.
   */
  synchronized boolean acquire() throws IOException {
    if (users == 0) {
      Fd opened;
      try {
        opened =
            FileCalls.open(file(directory, header.sequence, header.segments), FileCalls.O_RDONLY);
      } catch (LinuxException e) {
        if (e.errno() == Errno.ENOENT) {
          return false;
        }
        throw e;
      }
      boolean ours = false;
      try {
        ours = readHeader(opened).filter(this::has).isPresent();
      } finally {
        if (!ours) {
          opened.close();
        }
      }
      if (!ours) {
        return false;
      }
      file = opened;
    }
    users++;
    return true;
  }

  synchronized void release() {
    if (--users == 0) {
      requireNonNull(file).close();
      file = null;
    }
  }

  /**
   * Reads up to {@code length} bytes at {@code offset}, which a frame covers, into the start of
   * {@code into}; {@code cached} if {@link #isCached} has just said so. Returns how many; 0 if the
   * file is shorter than its records say.
   */
  int read(long offset, byte[] into, int length, boolean cached) throws IOException {
    Fd from = requireNonNull(file);
    return cached
        ? FileCalls.preadCached(from, positionOf(offset), into, length)
        : FileCalls.pread(from, positionOf(offset), into, length);
  }

  /** Whether these bytes are known to be in memory. */
  boolean isCached(long offset, int length) {
    return MemoryCalls.isCached(requireNonNull(file), positionOf(offset), length);
  }

  private long positionOf(long offset) {
    return header.indexBytes + (offset - header.base);
  }

  /**
   * The frame at {@code position}; empty if there is none: zeroes, or what an older segment had
   * there, whose offsets are not beyond this one's base.
   *
   * <p>The last record is written anew while its frame grows, and a copy of it by the kernel may
   * meet another: so what two looks agree on is what was written. An end that is too large does no
   * harm, for no reader goes beyond the log's.
   */
  Optional<Frame> frame(int position) throws IOException {
    long at = HEADER_BYTES + (long) position * RECORD_BYTES;
    if (position < 0 || at + RECORD_BYTES > header.indexBytes) {
      return Optional.empty();
    }
    byte[] bytes = new byte[RECORD_BYTES];
    byte[] again = new byte[RECORD_BYTES];
    for (int looks = 0; looks < MAX_LOOKS; looks++) {
      // Of a job that ended long ago the index, too, is on the disk only.
      if (FileCalls.pread(requireNonNull(file), at, bytes, RECORD_BYTES) < RECORD_BYTES
          || FileCalls.pread(requireNonNull(file), at, again, RECORD_BYTES) < RECORD_BYTES) {
        return Optional.empty();
      }
      if (Arrays.equals(bytes, again)) {
        break;
      }
    }
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    long end = words.getLong(0);
    long timeAndStream = words.getLong(8);
    Optional<StdStream> stream = StdStream.ofCode((int) (timeAndStream & 3));
    if (end <= header.base || stream.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new Frame(end, stream.get(), timeAndStream >>> 2));
  }

  /**
   * The position of the first frame that ends after {@code offset}; as many as there are, if none
   * does.
   */
  int frameAt(long offset) throws IOException {
    return search(frame -> frame.end() <= offset);
  }

  /** The position of the first frame captured at or after {@code micros}; likewise. */
  int frameSince(long micros) throws IOException {
    return search(frame -> frame.micros() < micros);
  }

  /** Where the frame at {@code position} starts. */
  long startOf(int position) throws IOException {
    return position == 0 ? header.base : frame(position - 1).map(Frame::end).orElse(header.base);
  }

  /** The offset after the last byte that a frame covers. */
  long end() throws IOException {
    return startOf(search(_ -> true));
  }

  @FunctionalInterface
  private interface FrameTest {
    boolean holds(Frame frame);
  }

  /** How many frames there are from the first on for which {@code test} holds. */
  private int search(FrameTest test) throws IOException {
    int low = 0;
    int high = (int) Math.min(Integer.MAX_VALUE, (header.indexBytes - HEADER_BYTES) / RECORD_BYTES);
    while (low < high) {
      int middle = (low + high) >>> 1;
      Optional<Frame> frame = frame(middle);
      if (frame.isPresent() && test.holds(frame.get())) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  @Override
  public String toString() {
    return directory + "[" + header.sequence + "] from " + header.base;
  }
}
