package io.jobworker.cli.output;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.cli.connect.UsageException;
import io.jobworker.cli.render.LogSink;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A job's output on its way into a file. Until all of it has come it is in {@code FILE.part}, and
 * {@code FILE.part.at} tells what of the output that is: a download that was broken off, however
 * hard, goes on there. For one thread.
 *
 * <p>The place is kept, with how much was not there any more until then, whenever the offset in the
 * output and the position in the file begin to grow together; from there on the file's size tells
 * the rest. It is written before the bytes that it tells of.
 */
public final class Download implements LogSink, AutoCloseable {
  private static final Pattern PLACE_TEXT =
      Pattern.compile("(.+)\n(\\d{19}) (\\d{19}) (\\d{19})\n");

  private final Path file;
  private final Path part;
  private final Path placeFile;
  private final String what;
  private final FileChannel bytes;
  private final FileChannel place;
  private long atOffset; // these two belong together
  private long atPosition;
  private boolean placeKnown;
  private long droppedBytes;

  private Download(Path file, String what) throws IOException {
    this.file = file;
    this.part = sibling(file, ".part");
    this.placeFile = sibling(file, ".part.at");
    this.what = what;
    this.bytes = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    this.place =
        FileChannel.open(
            placeFile,
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE);
  }

  /**
   * Opens it, to begin or to go on.
   *
   * @param what is downloaded, a line that tells it from everything else
   * @throws UsageException if what was broken off is something else, or is going on, or if the file
   *     is none that a copy could take the place of
   */
  public static Download to(Path file, String what) throws IOException {
    Download download = new Download(replaceable(file), what);
    try {
      download.findPlace();
      return download;
    } catch (IOException | RuntimeException e) {
      download.close();
      throw e;
    }
  }

  /** At its end the copy takes the file's place: that of a device, say, is not ours to take. */
  private static Path replaceable(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw new UsageException("--output: " + file + " is a directory; name a file in it");
    }
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new UsageException(
          "--output: " + file + " is no file that a copy can replace; write to it with >");
    }
    return Files.isSymbolicLink(file) && Files.exists(file) ? file.toRealPath() : file;
  }

  private static Path sibling(Path file, String suffix) {
    return file.resolveSibling(file.getFileName() + suffix);
  }

  private void findPlace() throws IOException {
    if (!lock()) {
      throw new UsageException(part + " is being written by another download");
    }
    ByteBuffer text = ByteBuffer.allocate(4096);
    while (place.read(text, text.position()) > 0) {
      // to its end
    }
    Matcher found = PLACE_TEXT.matcher(US_ASCII.decode(text.flip()));
    long size = bytes.size();
    if (!found.matches()) {
      if (size > 0) {
        throw new UsageException(
            part + " is in the way, and no download can go on there; remove it");
      }
      return;
    }
    if (!found.group(1).equals(what)) {
      throw new UsageException(
          part + " has the output of another download (" + found.group(1) + "); remove it");
    }
    atOffset = Long.parseLong(found.group(2));
    atPosition = Math.min(Long.parseLong(found.group(3)), size);
    droppedBytes = Long.parseLong(found.group(4));
    placeKnown = true;
    bytes.position(size);
  }

  /** For as long as it is open. */
  private boolean lock() throws IOException {
    try {
      return bytes.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // it is this process's own
    }
  }

  /** Where in the output to go on; empty at a beginning. */
  public OptionalLong offset() throws IOException {
    return placeKnown ? OptionalLong.of(nextOffset()) : OptionalLong.empty();
  }

  /** How much of the file there is. */
  public long size() throws IOException {
    return bytes.position();
  }

  /** How much of the output was not kept any more when its turn came, in all calls together. */
  public long droppedBytes() {
    return droppedBytes;
  }

  private long nextOffset() throws IOException {
    return atOffset + bytes.position() - atPosition;
  }

  @Override
  public boolean accept(JobLogsResponse message) throws IOException {
    droppedBytes += message.getDroppedBytes();
    if (!placeKnown || message.getOffset() != nextOffset()) {
      keepPlace(message.getOffset());
    }
    ByteBuffer log = message.getLog().asReadOnlyByteBuffer();
    while (log.hasRemaining()) {
      bytes.write(log);
    }
    return true;
  }

  private void keepPlace(long offset) throws IOException {
    atOffset = offset;
    atPosition = bytes.position();
    placeKnown = true;
    ByteBuffer text =
        ByteBuffer.wrap(
            "%s\n%019d %019d %019d\n"
                .formatted(what, atOffset, atPosition, droppedBytes)
                .getBytes(US_ASCII));
    place.write(text, 0);
  }

  /** All has come: the file gets its name, and what was of use on the way goes. */
  @Override
  public void end() throws IOException {
    bytes.force(true);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    Files.deleteIfExists(placeFile);
  }

  @Override
  public void close() throws IOException {
    try (bytes) {
      place.close();
    }
  }
}
