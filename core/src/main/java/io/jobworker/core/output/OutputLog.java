package io.jobworker.core.output;

import io.jobworker.core.ByteSize;
import io.jobworker.core.linux.Errno;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.linux.LinuxException;
import io.jobworker.core.linux.PrivateFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * A job's output: a bounded, circular buffer shared by one writer and any number of readers.
 *
 * <p>Its memory is a ring of segment files, the oldest of which is deleted when the job's share is
 * used up; so it survives the process, and the page cache makes it as quick as memory. Offsets
 * count the bytes of both streams from the job's start and are never reused.
 *
 * <ul>
 *   <li>Readers get every byte from the first one still kept, in order, or are told how many are
 *       gone.
 *   <li>A reader takes no lock that the writer needs, and costs the writer nothing while it is not
 *       waiting.
 *   <li>Disk use stays within {@code retain}, indexes included, and within what all logs together
 *       may keep. A full disk costs the oldest output, then the newest, never the job; what is lost
 *       is counted.
 *   <li>Times do not go back, even if the clock does.
 * </ul>
 *
 * <p>{@link #append}, {@link #discard} and {@link #finish} are for one thread at a time; everything
 * else is thread-safe.
 */
public final class OutputLog {
  /** Bytes of one stream that arrive within this time may share one time stamp. */
  public static final Duration TIME_RESOLUTION = Duration.ofMillis(10);

  private static final long MIN_SEGMENT_BYTES = 4 << 10;
  private static final long MAX_SEGMENT_BYTES = 64 << 20;
  private static final int SEGMENTS = 8;

  /** A quarter of a segment's bytes at most are index. */
  private static final int DATA_BYTES_PER_FRAME = 64;

  /** What {@link #append} answers when it would have to overwrite what a reader has yet to read. */
  static final long FULL = -2;

  /** What happens when a job's share of the disk is used up. */
  public enum OnFull {
    /** The oldest output makes room; a reader that is overtaken is told. */
    OVERWRITE,
    /**
     * The job waits, once its pipe is full, until the slowest reader has read what is oldest. While
     * there is no reader, the oldest output makes room.
     */
    BLOCK
  }

  /** What readers see of the ring. Replaced as a whole when a segment comes or goes. */
  private record Ring(List<Segment> segments) {
    Ring with(Segment added) {
      List<Segment> grown = new ArrayList<>(segments);
      grown.add(added);
      return new Ring(List.copyOf(grown));
    }

    Ring withoutFirst() {
      return new Ring(List.copyOf(segments.subList(1, segments.size())));
    }
  }

  private final Path directory;
  private final long retainBytes;
  private final long segmentBytes;
  private final int segmentFrames;
  private final OnFull onFull;
  private final Budget budget;
  private final Clock clock;

  private volatile Ring ring;

  /** Up to the last byte, discarded ones included; published after the byte can be read. */
  private final Progress progress;

  private final Room room = new Room(); // used only where the log blocks

  // The writer's own.
  private boolean writable; // the last segment is open for writing
  private long lastMicros; // the time of the last frame

  private OutputLog(
      Path directory, long end, ByteSize retain, OnFull onFull, Budget budget, Clock clock)
      throws IOException {
    this.directory = directory;
    this.retainBytes = retain.bytes();
    this.segmentBytes = Math.clamp(retainBytes / SEGMENTS, MIN_SEGMENT_BYTES, MAX_SEGMENT_BYTES);
    this.segmentFrames = (int) (segmentBytes / DATA_BYTES_PER_FRAME);
    this.onFull = onFull;
    this.budget = budget;
    this.clock = clock;
    List<Segment> segments = recoverSegments();
    this.ring = new Ring(List.copyOf(segments));
    this.progress = new Progress(Math.max(end, segments.isEmpty() ? 0 : segments.getLast().end()));
  }

  /**
   * Opens the log in {@code directory}, made if it is missing, at whatever a writer that may have
   * died in any moment has left there. What it keeps is counted in {@code budget} from now on.
   */
  public static OutputLog open(
      Path directory, ByteSize retain, OnFull onFull, Budget budget, Clock clock)
      throws IOException {
    Files.createDirectories(directory, PrivateFiles.DIRECTORY);
    OutputLog log = new OutputLog(directory, 0, retain, onFull, budget, clock);
    log.budget.add(log.keptBytes());
    log.lastMicros = log.ring.segments().isEmpty() ? 0 : log.ring.segments().getLast().lastMicros();
    return log;
  }

  /**
   * The log of a job that has ended after so many bytes, for reading; whatever of it is not there
   * any more counts as dropped.
   */
  public static OutputLog openFinished(Path directory, long end) throws IOException {
    OutputLog log =
        new OutputLog(
            directory,
            end,
            ByteSize.of(0),
            OnFull.OVERWRITE,
            Budget.unlimited(),
            Clock.systemUTC());
    log.progress.finish();
    return log;
  }

  private List<Segment> recoverSegments() throws IOException {
    List<Path> found;
    if (Files.notExists(directory)) {
      return List.of();
    }
    try (var files = Files.list(directory)) {
      found = files.filter(Segment::isData).sorted(Comparator.comparing(Path::toString)).toList();
    }
    List<Segment> segments = new ArrayList<>();
    for (Path file : found) {
      segments.add(Segment.recover(file, segmentFrames));
    }
    return segments;
  }

  // --- the writer's side

  /**
   * Moves what is in {@code pipe} to the end, up to {@code maxBytes}, and wakes those who wait for
   * it. Answers as {@link Linux#splice}, or {@link #FULL}. When the disk is full, room is made at
   * the cost of this log's oldest segments; when that is not enough, the exception says so, and
   * nothing was taken from the pipe.
   */
  long append(Fd pipe, Stream stream, long maxBytes) throws IOException {
    return append(pipe, stream, maxBytes, false);
  }

  /**
   * As {@link #append}, but takes more of the disk than its share rather than to answer {@link
   * #FULL}: for what is left in the pipes of a job that has ended, which waits for no reader.
   */
  long appendLast(Fd pipe, Stream stream, long maxBytes) throws IOException {
    return append(pipe, stream, maxBytes, true);
  }

  private long append(Fd pipe, Stream stream, long maxBytes, boolean beyondShare)
      throws IOException {
    for (; ; ) {
      try {
        if (!hasSegmentForWriting() && !addSegment(beyondShare)) {
          return FULL;
        }
        Segment segment = ring.segments().getLast();
        long left = segment.base() + segmentBytes - segment.end();
        long moved =
            segment.append(
                pipe,
                stream,
                nowMicros(),
                TIME_RESOLUTION.toNanos() / 1000,
                Math.min(left, maxBytes));
        if (moved > 0) {
          progress.advance(segment.end());
          budget.add(moved);
        }
        return moved;
      } catch (IOException e) {
        if (!isDiskFull(e) || ring.segments().size() < 2) {
          throw e;
        }
        withoutFirst().delete(); // at once: its room is needed
      }
    }
  }

  /** Calls {@code callback} once when {@link #append} would not answer {@link #FULL} any more. */
  void awaitRoom(Runnable callback) {
    room.await(oldestEnd(), callback);
  }

  /**
   * Takes up to {@code buffer}'s size from {@code pipe} and counts it as lost; answers as append.
   */
  public long discard(Fd pipe, MemorySegment buffer) throws LinuxException {
    long n = Linux.read(pipe, buffer);
    if (n > 0) {
      sealLast(); // the next byte kept has an offset that does not follow this segment's last
      progress.advance(progress.end() + n);
    }
    return n;
  }

  /** Nobody will use this log: what it keeps counts no more. */
  public void abandon() {
    budget.add(-keptBytes());
  }

  /** There will be no more. Everyone who waits is woken. Idempotent. */
  public void finish() {
    sealLast();
    progress.finish();
  }

  private boolean hasSegmentForWriting() throws IOException {
    List<Segment> segments = ring.segments();
    if (segments.isEmpty()) {
      return false;
    }
    Segment last = segments.getLast();
    boolean full = last.end() - last.base() >= segmentBytes || last.frames() >= segmentFrames;
    boolean follows = last.end() == progress.end();
    if (full || !follows) {
      return false;
    }
    if (!writable) {
      last.openForWriting();
      writable = true;
    }
    return true;
  }

  private boolean addSegment(boolean beyondShare) throws IOException {
    sealLast();
    List<Segment> segments = ring.segments();
    if (!segments.isEmpty() && segments.getLast().end() == segments.getLast().base()) {
      Segment empty = segments.getLast(); // nothing came into it before bytes had to be discarded
      ring = new Ring(List.copyOf(segments.subList(0, segments.size() - 1)));
      empty.delete();
    }
    while (!ring.segments().isEmpty() && diskBytes() + segmentBytes > retainBytes) {
      if (onFull == OnFull.BLOCK && !room.allPassed(oldestEnd())) {
        if (beyondShare) {
          break;
        }
        return false;
      }
      withoutFirst().drop();
    }
    while (ring.segments().size() > 1 && budget.isExceeded()) {
      withoutFirst().drop();
    }
    Segment next = Segment.create(directory, progress.end(), segmentFrames);
    ring = ring.with(next);
    writable = true;
    return true;
  }

  private long oldestEnd() {
    List<Segment> segments = ring.segments();
    return segments.isEmpty() ? 0 : segments.getFirst().end();
  }

  private long diskBytes() {
    return ring.segments().stream().mapToLong(Segment::diskBytes).sum();
  }

  /** Takes the oldest segment out of the ring and answers it. */
  private Segment withoutFirst() {
    Segment first = ring.segments().getFirst();
    if (ring.segments().size() == 1) {
      sealLast();
    }
    ring = ring.withoutFirst();
    budget.add(first.base() - first.end());
    return first;
  }

  private void sealLast() {
    if (writable) {
      writable = false;
      ring.segments().getLast().seal();
    }
  }

  /** Never earlier than what was captured before: readers search the times. */
  private long nowMicros() {
    lastMicros = Math.max(lastMicros, ChronoUnit.MICROS.between(Instant.EPOCH, clock.instant()));
    return lastMicros;
  }

  private static boolean isDiskFull(IOException e) {
    if (e instanceof LinuxException failure) {
      return failure.errno() == Errno.ENOSPC || failure.errno() == Errno.EDQUOT;
    }
    String message = String.valueOf(e.getMessage()); // FileChannel keeps the kernel's words only
    return message.contains("No space left") || message.contains("quota exceeded");
  }

  // --- the readers' side

  /** The offset of the first byte still kept; {@link #end} when there is none. */
  public long start() {
    long endNow = progress.end();
    List<Segment> segments = ring.segments();
    return segments.isEmpty() ? endNow : segments.getFirst().base();
  }

  /** The offset after the last byte: how many bytes the job has written. */
  public long end() {
    return progress.end();
  }

  /**
   * How many of the bytes written are not kept: overwritten by the ring, or lost to a full disk.
   */
  public long droppedBytes() {
    long kept = keptBytes();
    return Math.max(0, progress.end() - kept);
  }

  private long keptBytes() {
    long kept = 0;
    for (Segment segment : ring.segments()) {
      kept += segment.end() - segment.base();
    }
    return kept;
  }

  /**
   * A reader's position at {@code offset}, or at the first byte still kept if that is later. The
   * caller closes it.
   */
  public Cursor cursor(long offset, Optional<Stream> only) {
    Cursor cursor = new Cursor(this, offset, only);
    if (onFull == OnFull.BLOCK) {
      room.attach(cursor.where());
    }
    return cursor;
  }

  /** The offset of the first byte that was captured at or after {@code time}. */
  public long offsetAt(Instant time) throws IOException {
    long micros = ChronoUnit.MICROS.between(Instant.EPOCH, time);
    List<Segment> segments = ring.segments();
    int low = -1; // the last segment that begins before the time
    int high = segments.size();
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (segments.get(middle).beginsBefore(micros)) {
        low = middle;
      } else {
        high = middle;
      }
    }
    if (low < 0) {
      return start();
    }
    Segment segment = segments.get(low);
    if (!segment.acquire()) {
      return segment.end(); // dropped meanwhile: what is kept starts after it
    }
    try {
      int before = segment.frameBefore(micros);
      long end = segment.end();
      return before < 0 ? segment.base() : segment.frameEnd(before, segment.frames(), end);
    } finally {
      segment.release();
    }
  }

  /**
   * Where the last {@code lines} lines start, of both streams together or of one; found from the
   * end, so that it costs what they are long. A last line without an end counts as one.
   */
  public long offsetOfLastLines(int lines, Optional<Stream> only) throws IOException {
    long from = progress.end();
    return lines <= 0 ? from : new LineFinder(this, only).find(lines, start(), from);
  }

  /**
   * The newest output of both streams as text, at most {@code maxBytes} of it, with what is not
   * UTF-8 replaced.
   */
  public String newest(int maxBytes) throws IOException {
    long to = progress.end();
    long from = Math.max(start(), to - maxBytes);
    ByteBuffer bytes = ByteBuffer.allocate((int) (to - from));
    List<Segment> segments = ring.segments();
    int first = segments.size();
    while (first > 0 && segments.get(first - 1).end() > from) {
      first--;
    }
    for (Segment segment : segments.subList(first, segments.size())) {
      if (!segment.copy(Math.max(from, segment.base()), bytes)) {
        bytes.clear(); // overwritten meanwhile
      }
    }
    return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
  }

  Progress progress() {
    return progress;
  }

  /** Where {@code offset} is kept, or the next segment after it; empty when there is none. */
  Optional<Segment> segmentAt(long offset) {
    List<Segment> segments = ring.segments();
    int low = 0;
    int high = segments.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (segments.get(middle).end() <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    while (low < segments.size() && segments.get(low).end() == segments.get(low).base()) {
      low++; // empty: just made, or what a writer left that died in making it
    }
    return low < segments.size() ? Optional.of(segments.get(low)) : Optional.empty();
  }

  /** A reader has taken what it was given. */
  void passed() {
    room.passed();
  }

  /** A reader has gone. */
  void detach(Runnable waiter, LongSupplier where) {
    progress.forget(waiter);
    room.detach(where);
  }
}
