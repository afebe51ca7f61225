package io.jobworker.core.output;

import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Optional;

/**
 * The index of a segment's frames: records of fixed size, of which the first zeroes are the end
 * ({@code docs/log-format.md}). Searched in the file, never held in memory; of a job that ended
 * long ago it is on the disk only. Stateless but for the file, which is the segment's.
 *
 * @param file open as long as this is used
 */
record FrameIndex(Fd file, SegmentHeader header) {
  private static final int RECORD_BYTES = 16;
  private static final int MAX_LOOKS = 100;

  /** A frame's bytes: from the end of the one before to {@code end}, which may grow. */
  record Frame(long end, StdStream stream, long micros) {}

  /**
   * The frame at {@code position}; empty if there is none: zeroes, or what an older segment had
   * there, whose offsets are not beyond this one's base.
   *
   * <p>The last record is written anew while its frame grows, and a copy of it by the kernel may
   * meet another: so what two looks agree on is what was written. An end that is too large does no
   * harm, for no reader goes beyond the log's.
   */
  Optional<Frame> frame(int position) throws IOException {
    long at = SegmentHeader.BYTES + (long) position * RECORD_BYTES;
    if (position < 0 || at + RECORD_BYTES > header.indexBytes()) {
      return Optional.empty();
    }
    byte[] bytes = new byte[RECORD_BYTES];
    byte[] again = new byte[RECORD_BYTES];
    for (int looks = 0; looks < MAX_LOOKS; looks++) {
      if (FileCalls.pread(file, at, bytes, RECORD_BYTES) < RECORD_BYTES
          || FileCalls.pread(file, at, again, RECORD_BYTES) < RECORD_BYTES) {
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
    if (end <= header.base() || stream.isEmpty()) {
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
    return position == 0
        ? header.base()
        : frame(position - 1).map(Frame::end).orElse(header.base());
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
    int high =
        (int)
            Math.min(Integer.MAX_VALUE, (header.indexBytes() - SegmentHeader.BYTES) / RECORD_BYTES);
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
}
