package io.jobworker.core.output;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a segment's file says of itself, at its start ({@code docs/log-format.md}).
 *
 * @param segments how many files the ring has
 * @param indexBytes where the index ends and the bytes begin
 * @param sequence which segment of the log this is
 * @param base the offset of its first byte
 * @param floor the log had got so far, kept or not, when this was written
 */
record SegmentHeader(int segments, long indexBytes, long sequence, long base, long floor) {
  static final int VERSION = 2;
  static final int BYTES = 64;

  private static final long MAGIC = 0x0a0d31474f4c574aL; // "JWLOG1\r\n"
  private static final int MAX_SEGMENTS = 1024;

  /**
   * The header of the file; empty if there is no such file, or none whose writer got so far.
   *
   * @throws OutputLog.UnknownVersion if it is of a version that this one cannot read
   */
  static Optional<SegmentHeader> read(Path file) throws IOException {
    try (Fd fd = FileCalls.open(file, FileCalls.O_RDONLY)) {
      return read(fd);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Likewise. */
  static Optional<SegmentHeader> read(Fd fd) throws IOException {
    byte[] bytes = new byte[BYTES];
    ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    if (FileCalls.pread(fd, 0, bytes, BYTES) < BYTES || words.getLong(0) != MAGIC) {
      return Optional.empty();
    }
    if (words.getInt(8) != VERSION) {
      throw new OutputLog.UnknownVersion(fd + " is a log of version " + words.getInt(8));
    }
    SegmentHeader header =
        new SegmentHeader(
            words.getInt(12),
            words.getLong(16),
            words.getLong(32),
            words.getLong(40),
            words.getLong(48));
    boolean sound =
        header.segments > 0
            && header.segments <= MAX_SEGMENTS
            && header.indexBytes >= BYTES
            && header.indexBytes <= 1L << 40
            && header.sequence >= 0
            && header.base >= 0;
    return sound ? Optional.of(header) : Optional.empty();
  }
}
