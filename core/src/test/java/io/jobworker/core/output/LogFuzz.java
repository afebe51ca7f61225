package io.jobworker.core.output;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;

/**
 * Whatever is in the files of a log is read to its end, in order, or refused as of another version;
 * a reader never goes back, never stands still and never reads more than there is.
 */
public final class LogFuzz {
  private static final int FILES = 3;
  private static final int HEADER_BYTES = 64;
  private static final Path DIRECTORY = directory();

  private LogFuzz() {}

  private static Path directory() {
    try {
      Path memory = Path.of("/dev/shm");
      Path made =
          Files.isWritable(memory)
              ? Files.createTempDirectory(memory, "job-worker-fuzz-")
              : Files.createTempDirectory("job-worker-fuzz-");
      made.toFile().deleteOnExit();
      return made;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The first bytes say how far the log got, the rest is spread over the files; each file gets a
   * header that is right as far as the input does not make it wrong.
   */
  public static void fuzzerTestOneInput(byte[] input) throws IOException {
    if (input.length < 8) {
      return;
    }
    ByteBuffer words = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN);
    long end = words.getInt(0) & 0xffffffffL;
    long kept = Math.min(end, words.getInt(4) & 0xffffffffL);
    int share = (input.length - 8) / FILES;
    for (int i = 0; i < FILES; i++) {
      byte[] content = Arrays.copyOfRange(input, 8 + i * share, 8 + (i + 1) * share);
      Path file = DIRECTORY.resolve("%04d.seg".formatted(i));
      Files.write(file, share < HEADER_BYTES ? content : withHeader(content, i));
      file.toFile().deleteOnExit();
    }
    try {
      LogPage last = OutputLog.lastState(DIRECTORY);
      if (last.kept() > last.end() || last.oldest() > last.end()) {
        throw new AssertionError("more is kept than there was: " + last);
      }
      read(OutputLog.finished(DIRECTORY, end, kept));
      read(OutputLog.finished(DIRECTORY, last.end(), last.kept()));
    } catch (OutputLog.UnknownVersion e) {
      // refused
    }
  }

  private static byte[] withHeader(byte[] content, int file) {
    ByteBuffer header = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
    if ((content[0] & 1) == 0) {
      header.put(0, "JWLOG1\r\n".getBytes(StandardCharsets.US_ASCII));
      header.putInt(8, 2).putInt(12, FILES);
      header.putLong(16, HEADER_BYTES + 16 * (content[16] & 15));
      header.putLong(32, content[32] & 0xff).putLong(40, header.getInt(40) & 0xffff);
      if ((content[1] & 1) == 0) {
        header.putLong(32, file);
      }
    }
    return content;
  }

  private static void read(OutputLog log) throws IOException {
    byte[] buffer = new byte[97];
    for (Optional<StdStream> only :
        java.util.List.of(
            Optional.<StdStream>empty(),
            Optional.of(StdStream.STDOUT),
            Optional.of(StdStream.STDERR))) {
      try (Cursor cursor = log.cursor(0, only)) {
        ReadResult read;
        do {
          long before = cursor.offset();
          read = cursor.read(buffer);
          boolean atEnd = read instanceof ReadResult.End;
          if (read instanceof ReadResult.CaughtUp || (!atEnd && cursor.offset() <= before)) {
            throw new AssertionError("stands still at " + before + ": " + read);
          }
          if (cursor.offset() > Math.max(before, log.end())) {
            throw new AssertionError("beyond the end: " + cursor.offset());
          }
        } while (!(read instanceof ReadResult.End));
      }
    }
    long offset = log.offsetAt(Instant.EPOCH.plusMillis(1));
    long line = log.offsetOfLastLines(2, Optional.empty());
    if (offset < log.start() || offset > log.end() || line < 0 || line > log.end()) {
      throw new AssertionError("out of the log: " + offset + ", " + line);
    }
    log.newest(100);
  }
}
