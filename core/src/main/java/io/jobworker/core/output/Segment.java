package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.MemoryCalls;
import java.io.IOException;
import java.nio.file.Path;
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
  private final Path directory;
  private final SegmentHeader header;

  // Guarded by this; non-null while users > 0, and read without the lock by whoever is one of them.
  private int users;
  private @Nullable Fd file;

  Segment(Path directory, SegmentHeader header) {
    this.directory = directory;
    this.header = header;
  }

  static Path file(Path directory, long sequence, int segments) {
    return directory.resolve("%04d.seg".formatted(sequence % segments));
  }

  long base() {
    return header.base();
  }

  long sequence() {
    return header.sequence();
  }

  /** The log had got so far, kept or not, when this segment was written last. */
  long floor() {
    return Math.max(header.base(), header.floor());
  }

  /** How many files the ring has; segment N is in that of N modulo this. */
  int segments() {
    return header.segments();
  }

  boolean has(SegmentHeader other) {
    return header.sequence() == other.sequence() && header.base() == other.base();
  }

  /**
   * Keeps the file open until {@link #release}. Returns false if it is another segment's, or gone.
   */
  synchronized boolean acquire() throws IOException {
    if (users == 0) {
      Fd opened;
      try {
        opened =
            FileCalls.open(
                file(directory, header.sequence(), header.segments()), FileCalls.O_RDONLY);
      } catch (LinuxException e) {
        if (e.errno() == Errno.ENOENT) {
          return false;
        }
        throw e;
      }
      boolean ours = false;
      try {
        ours = SegmentHeader.read(opened).filter(this::has).isPresent();
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
  int read(long offset, byte[] into, int length, boolean cached) throws LinuxException {
    Fd from = requireNonNull(file);
    return cached
        ? FileCalls.preadCached(from, positionOf(offset), into, length)
        : FileCalls.pread(from, positionOf(offset), into, length);
  }

  /** Where its frames are; to be used between {@link #acquire} and {@link #release}. */
  FrameIndex index() {
    return new FrameIndex(requireNonNull(file), header);
  }

  /** Whether these bytes are known to be in memory. */
  boolean isCached(long offset, int length) {
    return MemoryCalls.isCached(requireNonNull(file), positionOf(offset), length);
  }

  private long positionOf(long offset) {
    return header.indexBytes() + (offset - header.base());
  }

  @Override
  public String toString() {
    return directory + "[" + header.sequence() + "] from " + header.base();
  }
}
