package io.jobworker.core.output;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Finds the start of the last lines of a log by reading it in blocks from its end. */
final class LineFinder {
  private static final int BLOCK_BYTES = 64 << 10;

  private final OutputLog log;
  private final Optional<Stream> only;

  LineFinder(OutputLog log, Optional<Stream> only) {
    this.log = log;
    this.only = only;
  }

  /** The offset after the {@code lines}-th line end before {@code end}, or {@code start}. */
  long find(int lines, long start, long end) throws IOException {
    int left = lines;
    boolean atEnd = true;
    for (long blockEnd = end;
        blockEnd > start;
        blockEnd = Math.max(start, blockEnd - BLOCK_BYTES)) {
      List<Read.Chunk> chunks = read(Math.max(start, blockEnd - BLOCK_BYTES), blockEnd);
      for (int c = chunks.size() - 1; c >= 0; c--) {
        ByteBuffer bytes = chunks.get(c).bytes();
        for (int i = bytes.remaining() - 1; i >= 0; i--) {
          boolean lineEnd = bytes.get(i) == '\n';
          if (lineEnd && !atEnd && --left == 0) {
            return chunks.get(c).offset() + i + 1;
          }
          atEnd = false; // the very last line end closes the last line; it does not start another
        }
      }
    }
    return start;
  }

  private List<Read.Chunk> read(long from, long to) throws IOException {
    List<Read.Chunk> chunks = new ArrayList<>();
    try (Cursor cursor = log.cursor(from, only)) {
      while (cursor.offset() < to) {
        switch (cursor.read((int) (to - cursor.offset()))) {
          case Read.Chunk chunk -> {
            // A cursor for one stream passes over the other, and so perhaps beyond the block.
            long length = Math.min(chunk.bytes().remaining(), to - chunk.offset());
            if (length > 0) {
              ByteBuffer bytes = chunk.bytes().slice(0, (int) length);
              chunks.add(new Read.Chunk(chunk.stream(), chunk.offset(), chunk.capturedAt(), bytes));
            }
          }
          case Read.Dropped _ -> {}
          case Read.CaughtUp _, Read.End _ -> {
            return chunks;
          }
        }
      }
    }
    return chunks;
  }
}
