package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;

import io.jobworker.core.linux.Errno;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.linux.LinuxException;
import io.jobworker.core.linux.PrivateFiles;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.regex.Pattern;
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
 * #release}, which keep the files open once for all of them, also when they are deleted meanwhile.
 * A reader that takes {@link #end} first finds every frame up to it. The index is read through a
 * mapping, and so is never truncated; the data is not, because mapping what is read only once costs
 * more than copying it ({@code docs/performance.md}).
 */
final class Segment {
  private static final String DATA_SUFFIX = ".log";
  private static final Pattern DATA_NAME = Pattern.compile("\\d{20}\\.log");
  private static final String INDEX_SUFFIX = ".idx";
  static final int RECORD_BYTES = 16;
  private static final ValueLayout.OfLong BIG_ENDIAN_LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  /** How many deleted files may be on their way out at a time. */
  private static final Semaphore DROPS = new Semaphore(4);

  /** A frame's first byte, its stream and its time. Where it ends, {@link #frameEnd} tells. */
  record Frame(long start, Stream stream, long micros) {}

  private final long base;
  private final Path data;
  private final Path index;

  // Published by the writer, in this order: a record, `frames`, the bytes, `end`.
  private volatile int frames;
  private volatile long end;

  private volatile boolean recovered = true; // what `frames` and `end` are is known

  /** How much of the index is mapped; more than there is in it, while it grows. */
  private long indexCapacity; // set before `recovered` is

  /** The files, open for reading. */
  private record Source(Fd data, Arena arena, MemorySegment index) {
    void close() {
      data.close();
      arena.close();
    }
  }

  // Guarded by this; non-null while users > 0, and read without the lock by whoever is one of them.
  private int users;
  private @Nullable Source source;

  // The writer's own.
  private @Nullable Fd sink;
  private @Nullable FileChannel indexSink;
  private final ByteBuffer record = ByteBuffer.allocateDirect(RECORD_BYTES);
  private @Nullable Frame lastFrame;

  private Segment(Path directory, long base, int maxFrames) {
    this.base = base;
    this.end = base;
    this.indexCapacity = (long) maxFrames * RECORD_BYTES;
    String name = "%020d".formatted(base);
    this.data = directory.resolve(name + DATA_SUFFIX);
    this.index = directory.resolve(name + INDEX_SUFFIX);
  }

  /** Whether this is a segment's data file, by its name. */
  static boolean isData(Path file) {
    return DATA_NAME.matcher(String.valueOf(file.getFileName())).matches();
  }

  /** A new segment, open for writing, for at most so many frames. */
  static Segment create(Path directory, long base, int maxFrames) throws IOException {
    Segment segment = new Segment(directory, base, maxFrames);
    segment.openForWriting();
    return segment;
  }

  /**
   * The segment whose data file is {@code file}, as a writer that may have died in any moment left
   * it; it may grow to so many frames. What is in it is found out when it is first asked for, so
   * that a log of many segments opens at the cost of listing them.
   */
  static Segment recover(Path file, int maxFrames) {
    String name = String.valueOf(file.getFileName());
    long base = Long.parseLong(name.substring(0, name.length() - DATA_SUFFIX.length()));
    Segment segment = new Segment(requireNonNull(file.getParent()), base, maxFrames);
    segment.recovered = false;
    return segment;
  }

  private synchronized void recover() {
    if (recovered) {
      return;
    }
    try {
      int records = (int) (Files.size(index) / RECORD_BYTES);
      long size = Files.size(data);
      if (records > 0) { // bytes that no frame covers belong to no stream
        ByteBuffer last = ByteBuffer.allocate(RECORD_BYTES);
        copy(index, (long) (records - 1) * RECORD_BYTES, last);
        boolean lastIsEmpty = last.getLong(0) >= base + size; // its writer died before its bytes
        indexCapacity = Math.max(indexCapacity, (long) records * RECORD_BYTES);
        frames = lastIsEmpty ? records - 1 : records;
        end = base + size;
      }
    } catch (NoSuchFileException e) {
      // dropped meanwhile, or damaged: there is nothing in it
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + data, e);
    }
    recovered = true;
  }

  long base() {
    return base;
  }

  /** The offset after the last byte. */
  long end() {
    if (!recovered) {
      recover();
    }
    return end;
  }

  int frames() {
    if (!recovered) {
      recover();
    }
    return frames;
  }

  /** What the segment takes on disk. */
  long diskBytes() {
    return end() - base + (long) frames() * RECORD_BYTES;
  }

  /** When the last frame was captured, in microseconds since 1970; 0 if there is none. */
  long lastMicros() throws IOException {
    return frames() == 0 ? 0 : recordedFrame(frames() - 1).micros();
  }

  // --- writing

  /** Makes the files writable, for going on after a recovery too. */
  void openForWriting() throws IOException {
    Fd newSink = Linux.open(data, Linux.O_RDWR | Linux.O_CREAT);
    FileChannel newIndexSink = null;
    try {
      newIndexSink =
          FileChannel.open(
              index,
              Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE),
              PrivateFiles.FILE);
      lastFrame = frames() == 0 ? null : recordedFrame(frames() - 1);
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
    }
  }

  private Frame recordedFrame(int position) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(RECORD_BYTES);
    copy(index, (long) position * RECORD_BYTES, bytes);
    return frameOf(bytes.getLong(0), bytes.getLong(8));
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

  /**
   * Deletes the files, and lets another thread wait for the kernel to give back what they took,
   * which it does when the last descriptor is closed. Readers that hold the segment go on
   * undisturbed.
   */
  void drop() throws IOException {
    if (!DROPS.tryAcquire()) {
      delete();
      return;
    }
    Fd last;
    try {
      last = Linux.open(data, Linux.O_RDONLY);
    } catch (LinuxException e) {
      DROPS.release();
      delete(); // there is no such file, or no descriptor to be had
      return;
    }
    try {
      delete();
    } finally {
      var _ =
          Thread.startVirtualThread(() -> {
            last.close();
            DROPS.release();
          });
    }
  }

  /** Deletes the files; readers that hold the segment go on undisturbed. */
  void delete() throws IOException {
    seal();
    Files.deleteIfExists(data); // first: data without an index could not be understood
    Files.deleteIfExists(index);
  }

  // --- reading

  /** Keeps the segment readable until {@link #release}. Answers false if its files are gone. */
  @SuppressWarnings("MustBeClosedChecker") // the last one to release closes it
  synchronized boolean acquire() throws IOException {
    recover();
    if (users == 0) {
      Arena arena = Arena.ofShared();
      try {
        MemorySegment records = Linux.map(index, indexCapacity, arena);
        source = new Source(Linux.open(data, Linux.O_RDONLY), arena, records);
      } catch (LinuxException e) {
        arena.close();
        if (e.errno() == Errno.ENOENT) {
          return false;
        }
        throw e;
      }
    }
    users++;
    return true;
  }

  synchronized void release() {
    if (--users == 0) {
      requireNonNull(source).close();
      source = null;
    }
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

  /**
   * Reads up to {@code length} bytes at {@code offset}, all of which lie before {@link #end}, into
   * the start of {@code into}; {@code cached} if {@link #isCached} has just said so. Answers how
   * many, at least one.
   */
  int read(long offset, byte[] into, int length, boolean cached) throws IOException {
    int n = Linux.pread(requireNonNull(source).data(), offset - base, into, length, cached);
    if (n == 0) {
      throw new EOFException(data + " is shorter than it should be");
    }
    return n;
  }

  /** Whether these bytes are known to be in memory. */
  boolean isCached(long offset, int length) {
    return Linux.isCached(requireNonNull(source).data(), offset - base, length);
  }

  /**
   * Fills {@code into} with bytes from {@code offset} on as far as there are any; the segment need
   * not be held. Answers false if its files are gone.
   */
  boolean copy(long offset, ByteBuffer into) throws IOException {
    try {
      ByteBuffer part =
          into.slice(into.position(), Math.clamp(end() - offset, 0, into.remaining()));
      copy(data, offset - base, part);
      into.position(into.position() + part.capacity());
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private static void copy(Path file, long position, ByteBuffer into) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      for (long at = position; into.hasRemaining(); ) {
        int n = channel.read(into, at);
        if (n < 0) {
          throw new EOFException(file + " is shorter than it should be");
        }
        at += n;
      }
    }
  }

  Frame frame(int position) {
    MemorySegment records = requireNonNull(source).index();
    long at = (long) position * RECORD_BYTES;
    return frameOf(records.get(BIG_ENDIAN_LONG, at), records.get(BIG_ENDIAN_LONG, at + Long.BYTES));
  }

  private static Frame frameOf(long start, long timeAndStream) {
    return new Frame(start, Stream.ofCode((int) (timeAndStream & 3)), timeAndStream >>> 2);
  }

  /**
   * The end of the frame at {@code position}, of what there was of it when {@code end} was read.
   */
  long frameEnd(int position, int framesThen, long endThen) {
    return position + 1 < framesThen ? Math.min(frame(position + 1).start(), endThen) : endThen;
  }

  /**
   * The position of the last frame that starts at or before {@code offset}; -1 if there is none.
   */
  int frameAt(long offset) {
    return search(frame -> frame.start() <= offset);
  }

  /** The position of the last frame captured before {@code micros}; -1 if there is none. */
  int frameBefore(long micros) {
    return search(frame -> frame.micros() < micros);
  }

  /**
   * Whether the first frame was captured before {@code micros}; true also if the files are gone,
   * for the oldest go first, and false if there is no frame.
   */
  boolean beginsBefore(long micros) throws IOException {
    if (frames() == 0) {
      return Files.notExists(data);
    }
    try {
      return recordedFrame(0).micros() < micros;
    } catch (NoSuchFileException e) {
      return true;
    }
  }

  @FunctionalInterface
  private interface FrameTest {
    boolean holds(Frame frame);
  }

  /** The last frame for which {@code test} holds, where it holds for all before that one. */
  private int search(FrameTest test) {
    int low = -1;
    int high = frames();
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

  @Override
  public String toString() {
    return data + " from " + base;
  }
}
