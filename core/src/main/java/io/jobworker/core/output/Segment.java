package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;

import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.linux.PrivateFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One stretch of a job's output: {@code OFFSET.log} holds the bytes of both streams as they came,
 * {@code OFFSET.idx} one record per frame, where OFFSET is that of the first byte, in 20 digits.
 *
 * <p>A record is 16 bytes, big-endian: the frame's start offset, and its time in microseconds since
 * 1970 shifted left by two, with the stream's code below. It is written before the frame's first
 * byte, and a frame ends where the next one starts or the file ends. So a writer that dies between
 * the two leaves a frame of no bytes, which the next frame overwrites, and nothing torn.
 *
 * <p>One thread writes; any number read, each between its own {@link #acquire} and {@link
 * #release}, which keep the files open, also when they are deleted meanwhile. A reader that takes
 * {@link #end} first finds every frame up to it.
 */
final class Segment {
  static final String DATA_SUFFIX = ".log";
  private static final String INDEX_SUFFIX = ".idx";
  private static final int RECORD_BYTES = 16;

  /** A frame's first byte, its stream and its time. Where it ends, {@link #frameEnd} tells. */
  record Frame(long start, Stream stream, long micros) {}

  private final long base;
  private final Path data;
  private final Path index;

  // Published by the writer, in this order: a record, `frames`, the bytes, `end`.
  private volatile int frames;
  private volatile long end;

  // Guarded by this; non-null while users > 0, and read without the lock by whoever is one of them.
  private int users;
  private @Nullable FileChannel dataChannel;
  private @Nullable FileChannel indexChannel;

  // The writer's own.
  private @Nullable Fd sink;
  private @Nullable FileChannel indexSink;
  private final ByteBuffer record = ByteBuffer.allocateDirect(RECORD_BYTES);
  private @Nullable Frame lastFrame;

  private Segment(Path directory, long base) {
    this.base = base;
    this.end = base;
    String name = "%020d".formatted(base);
    this.data = directory.resolve(name + DATA_SUFFIX);
    this.index = directory.resolve(name + INDEX_SUFFIX);
  }

  /** A new segment, open for writing. */
  static Segment create(Path directory, long base) throws IOException {
    Segment segment = new Segment(directory, base);
    segment.openForWriting();
    return segment;
  }

  /**
   * The segment whose data file is {@code file}, as a writer that may have died in any moment left
   * it.
   */
  static Segment recover(Path file) throws IOException {
    String name = String.valueOf(file.getFileName());
    long base = Long.parseLong(name.substring(0, name.length() - DATA_SUFFIX.length()));
    Segment segment = new Segment(requireNonNull(file.getParent()), base);
    long size = Files.size(file);
    int count = Files.exists(segment.index) ? (int) (Files.size(segment.index) / RECORD_BYTES) : 0;
    segment.frames = count;
    segment.end = count == 0 ? base : base + size; // bytes that no frame covers belong to no stream
    if (count > 0) {
      segment.acquire();
      try {
        Frame last = segment.frame(count - 1);
        // A frame without bytes: its writer died before they came.
        segment.frames = last.start() >= segment.end ? count - 1 : count;
      } finally {
        segment.release();
      }
    }
    return segment;
  }

  long base() {
    return base;
  }

  /** The offset after the last byte. */
  long end() {
    return end;
  }

  int frames() {
    return frames;
  }

  /** What the segment takes on disk. */
  long diskBytes() {
    return end - base + (long) frames * RECORD_BYTES;
  }

  // --- writing

  /**
   * Makes the files writable, for going on after a recovery too. Holds the segment for the writer.
   */
  synchronized void openForWriting() throws IOException {
    Fd newSink = Linux.open(data, Linux.O_RDWR | Linux.O_CREAT);
    FileChannel newIndexSink = null;
    try {
      newIndexSink =
          FileChannel.open(
              index,
              Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE),
              PrivateFiles.FILE);
      acquire();
      lastFrame = frames == 0 ? null : frame(frames - 1);
      sink = newSink;
      indexSink = newIndexSink;
    } catch (IOException e) {
      newSink.close();
      close(newIndexSink);
      throw e;
    }
  }

  /** Ends writing. */
  void seal() {
    Fd open = sink;
    if (open != null) {
      sink = null;
      open.close();
      close(indexSink);
      indexSink = null;
      release();
    }
  }

  /**
   * Moves what is in {@code pipe} to the end, up to {@code maxBytes}; answers as {@link
   * Linux#splice}. Bytes that follow within {@code mergeMicros} on the same stream join the frame
   * before.
   */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  long append(Fd pipe, Stream stream, long micros, long mergeMicros, long maxBytes)
      throws IOException {
    Frame last = lastFrame;
    boolean joins =
        last != null
            && last.stream() == stream
            && micros - last.micros() < mergeMicros
            && micros >= last.micros();
    if (!joins) {
      Frame frame = new Frame(end, stream, micros);
      boolean lastIsEmpty = last != null && last.start() == end;
      writeRecord(lastIsEmpty ? frames - 1 : frames, frame);
      if (!lastIsEmpty) {
        frames = frames + 1;
      }
      lastFrame = frame;
    }
    long moved = Linux.splice(pipe, requireNonNull(sink), end - base, maxBytes);
    if (moved > 0) {
      end = end + moved;
    }
    return moved;
  }

  private void writeRecord(int position, Frame frame) throws IOException {
    record.clear();
    record.putLong(frame.start()).putLong(frame.micros() << 2 | frame.stream().code()).flip();
    FileChannel channel = requireNonNull(indexSink);
    long at = (long) position * RECORD_BYTES;
    while (record.hasRemaining()) {
      at += channel.write(record, at);
    }
  }

  /** Deletes the files; readers that hold the segment go on undisturbed. */
  void delete() throws IOException {
    seal();
    Files.deleteIfExists(data); // first: data without an index could not be understood
    Files.deleteIfExists(index);
  }

  // --- reading

  synchronized void acquire() throws IOException {
    if (users == 0) {
      FileChannel opened = FileChannel.open(data, StandardOpenOption.READ);
      try {
        indexChannel = FileChannel.open(index, StandardOpenOption.READ);
      } catch (IOException e) {
        opened.close();
        throw e;
      }
      dataChannel = opened;
    }
    users++;
  }

  synchronized void release() {
    if (--users == 0) {
      closeChannels();
    }
  }

  private void closeChannels() {
    close(dataChannel);
    close(indexChannel);
    dataChannel = null;
    indexChannel = null;
  }

  private static void close(@Nullable FileChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e); // nothing is buffered here: what could be lost is not
    }
  }

  /** Reads {@code length} bytes at {@code offset}, all of which lie before {@link #end}. */
  ByteBuffer read(long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    readFully(requireNonNull(dataChannel), buffer, offset - base);
    return buffer.flip();
  }

  Frame frame(int position) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(RECORD_BYTES);
    readFully(requireNonNull(indexChannel), buffer, (long) position * RECORD_BYTES);
    buffer.flip();
    long start = buffer.getLong();
    long rest = buffer.getLong();
    return new Frame(start, Stream.ofCode((int) (rest & 3)), rest >>> 2);
  }

  /**
   * The end of the frame at {@code position}, of what there was of it when {@code end} was read.
   */
  long frameEnd(int position, int framesThen, long endThen) throws IOException {
    return position + 1 < framesThen ? Math.min(frame(position + 1).start(), endThen) : endThen;
  }

  /**
   * The position of the last frame that starts at or before {@code offset}; -1 if there is none.
   */
  int frameAt(long offset) throws IOException {
    return search(frame -> frame.start() <= offset);
  }

  /** The position of the last frame captured before {@code micros}; -1 if there is none. */
  int frameBefore(long micros) throws IOException {
    return search(frame -> frame.micros() < micros);
  }

  @FunctionalInterface
  private interface FrameTest {
    boolean holds(Frame frame);
  }

  /** The last frame for which {@code test} holds, where it holds for all before that one. */
  private int search(FrameTest test) throws IOException {
    int low = -1;
    int high = frames;
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (test.holds(frame(middle))) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static void readFully(FileChannel channel, ByteBuffer buffer, long position)
      throws IOException {
    while (buffer.hasRemaining()) {
      int n = channel.read(buffer, position);
      if (n < 0) {
        throw new IOException("segment is shorter than its index says");
      }
      position += n;
    }
  }

  @Override
  public String toString() {
    return data + " [" + base + ", " + end + ")";
  }
}
