package io.jobworker.core.output;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;

/** Finds the start of the last lines of a log by reading it in blocks from its end. */
final class LineFinder {
  private static final int BLOCK_BYTES = 64 << 10;

  private final OutputLog log;
  private final Optional<StdStream> only;

  private final byte[] block = new byte[BLOCK_BYTES];

  /** Where a line ends in the block that was read last, by offset. */
  private final long[] lineEnds = new long[BLOCK_BYTES];

  private int lineEndCount;

  LineFinder(OutputLog log, Optional<StdStream> only) {
    this.log = log;
    this.only = only;
  }

  /** The offset after the {@code lines}-th line end before {@code end}, or {@code start}. */
  long find(int lines, long start, long end) throws IOException {
    int left = lines;
    boolean atEnd = true;
    for (long blockEnd = end; blockEnd > start; ) {
      long blockStart = Math.max(start, blockEnd - BLOCK_BYTES);
      long lastByte = readBlock(blockStart, blockEnd);
      if (lastByte >= 0 && atEnd) {
        atEnd = false;
        if (lineEndCount > 0 && lineEnds[lineEndCount - 1] == lastByte) {
          lineEndCount--; // the very last line end closes the last line; it does not start another
        }
      }
      if (lineEndCount >= left) {
        return lineEnds[lineEndCount - left] + 1;
      }
      left -= lineEndCount;
      blockEnd = blockStart;
    }
    return start;
  }

  /** Answers the offset of the last byte that is wanted, or -1 if there is none in the block. */
  private long readBlock(long from, long to) throws IOException {
    lineEndCount = 0;
    long lastByte = -1;
    try (Cursor cursor = log.cursor(from, only)) {
      while (cursor.offset() < to) {
        switch (cursor.read(block, (int) (to - cursor.offset()))) {
          case ReadResult.Chunk chunk -> {
            // A cursor for one stream passes over the other, and so perhaps beyond the block.
            int length = (int) Math.min(chunk.bytes().remaining(), to - chunk.offset());
            if (length > 0) {
              noteLineEnds(chunk, length);
              lastByte = chunk.offset() + length - 1;
            }
          }
          case ReadResult.Dropped _ -> {}
          case ReadResult.CaughtUp _, ReadResult.End _ -> {
            return lastByte;
          }
        }
      }
    }
    return lastByte;
  }

  private void noteLineEnds(ReadResult.Chunk chunk, int length) {
    ByteBuffer bytes = chunk.bytes();
    for (int i = 0; i < length; i++) {
      if (bytes.get(i) == '\n') {
        lineEnds[lineEndCount++] = chunk.offset() + i;
      }
    }
  }
}
