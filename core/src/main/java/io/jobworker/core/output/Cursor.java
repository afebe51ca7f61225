package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.MemoryCalls;
import io.jobworker.core.output.FrameIndex.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One reader's position in an {@link OutputLog}. It never waits: {@link #read} answers what there
 * is, and {@link #await} calls back when there is more. For one thread at a time; the owner closes
 * it. Where the log is to block its job rather than overwrite, an open cursor is what it blocks
 * for.
 */
public final class Cursor implements AutoCloseable {
  private static final Optional<ReadResult> CAUGHT_UP = Optional.of(ReadResult.CAUGHT_UP);
  private static final Optional<ReadResult> END = Optional.of(ReadResult.END);

  /** How often a segment may turn out to be another one by the time that it is opened. */
  private static final int MAX_TRIES = 8;

  /** What is lost at a time of a file that a disk does not give: no more than it must. */
  private static final int PIECE_BYTES = 4096;

  private static final Logger LOG = LoggerFactory.getLogger(Cursor.class);

  private final OutputLog log;
  private final Optional<StdStream> only;
  private volatile long offset; // written by the reader, read by the gate
  private @Nullable Segment segment; // acquired
  private int position; // of `frame` in it
  private @Nullable Frame frame; // the last that was looked at; it may have grown since
  private long cachedStart; // from here
  private long cachedEnd; // to here the file was found in memory when it was last looked at
  private long pieceEnd; // to here, and no further, is to be read at once
  private long unreadableEnd; // to here the disk does not give what there is
  private boolean unreadableTold;
  private Runnable waiter = () -> {}; // the last that was to be woken

  @SuppressWarnings("UnnecessaryLambda") // the log knows the reader by it
  private final LongSupplier where = () -> offset;

  Cursor(OutputLog log, long offset, Optional<StdStream> only) {
    this.log = log;
    this.only = only;
    this.offset = Math.max(0, offset);
  }

  /** For the log, to find out where this reader is. */
  LongSupplier where() {
    return where;
  }

  /** The offset of the next byte to be read. */
  public long offset() {
    return offset;
  }

  /**
   * The next bytes, at most {@code maxBytes} of them and all of one stream, in {@code into} from
   * its start. May wait for a disk, but not for the job.
   */
  public ReadResult read(byte[] into, int maxBytes) throws IOException {
    log.passed(); // what was answered before has been taken by now
    int max = Math.min(maxBytes, into.length);
    for (; ; ) {
      Optional<ReadResult> other = settle();
      if (other.isPresent()) {
        return pass(other.get());
      }
      Segment here = requireNonNull(segment);
      Frame current = requireNonNull(frame);
      long from = offset;
      if (only.isPresent() && only.get() != current.stream()) {
        offset = current.end();
        continue;
      }
      int wanted = wanted(max);
      int length;
      try {
        length = here.read(from, into, wanted, isCached(here, wanted));
      } catch (LinuxException e) {
        narrow(e, here, wanted);
        continue;
      }
      if (isOvertaken(here)) { // these may be other bytes
        leaveSegment();
        continue;
      }
      if (length == 0) {
        return pass(new ReadResult.Dropped(current.end(), current.end() - from)); // damaged
      }
      offset = from + length;
      Instant time = Instant.EPOCH.plus(current.micros(), ChronoUnit.MICROS);
      return new ReadResult.Chunk(current.stream(), from, time, ByteBuffer.wrap(into, 0, length));
    }
  }

  /**
   * What was read last, with the rest of its last UTF-8 character if the job's output goes on with
   * that, it can be had without waiting, and the array that was read into has room for it: up to
   * three bytes, none of them at or beyond {@code until}. Its time stays that of its first bytes.
   */
  public ReadResult.Chunk toCharacterEnd(ReadResult.Chunk last, long until) throws IOException {
    byte[] bytes = last.bytes().array();
    int length = last.bytes().remaining();
    int room = Math.min(bytes.length, length + Utf8.MAX_MISSING);
    while (length < room) {
      int missing = Math.min(Utf8.missing(bytes, 0, length), room - length);
      int more = readOn(last.stream(), bytes, length, (int) Math.min(missing, until - offset));
      if (more == 0) {
        break;
      }
      length += more;
    }
    return length == last.bytes().remaining()
        ? last
        : new ReadResult.Chunk(
            last.stream(), last.offset(), last.capturedAt(), ByteBuffer.wrap(bytes, 0, length));
  }

  /** Up to {@code wanted} bytes more of this stream, if they come next; returns how many. */
  private int readOn(StdStream stream, byte[] into, int at, int wanted) throws IOException {
    if (wanted <= 0 || !isInMemory(wanted) || settle().isPresent()) {
      return 0;
    }
    Segment here = requireNonNull(segment);
    if (requireNonNull(frame).stream() != stream) {
      return 0;
    }
    long from = offset;
    byte[] more = new byte[wanted(wanted)];
    int length;
    try {
      length = here.read(from, more, more.length, isCached(here, more.length));
    } catch (LinuxException e) {
      return 0; // the next read will say
    }
    if (isOvertaken(here)) {
      leaveSegment();
      return 0;
    }
    System.arraycopy(more, 0, into, at, length);
    offset = from + length;
    return length;
  }

  private ReadResult pass(ReadResult other) {
    if (other instanceof ReadResult.Dropped dropped) {
      leaveSegment();
      offset = dropped.resumeOffset();
    }
    return other;
  }

  /** Reads what {@link OutputLog} has at most in one piece. */
  public ReadResult read(byte[] into) throws IOException {
    return read(into, into.length);
  }

  /**
   * Whether a read of up to {@code maxBytes} would not wait for a disk; true also where the kernel
   * cannot tell.
   */
  public boolean isInMemory(int maxBytes) throws IOException {
    return !MemoryCalls.knowsWhatIsCached()
        || settle().isPresent()
        || isCached(requireNonNull(segment), wanted(maxBytes));
  }

  private int wanted(int maxBytes) {
    long end = requireNonNull(frame).end();
    return (int) Math.min(maxBytes, (offset < pieceEnd ? Math.min(pieceEnd, end) : end) - offset);
  }

  /**
   * Of so many bytes that a disk did not give together, finds out whether the first can be had
   * alone: those are read next. If not, they are told as dropped.
   *
   * @throws LinuxException if {@code failure} is another, which may pass
   */
  private void narrow(LinuxException failure, Segment here, int length) throws LinuxException {
    if (failure.errno() != Errno.EIO) {
      throw failure;
    }
    int piece = (int) Math.min(length, PIECE_BYTES - offset % PIECE_BYTES);
    if (piece < length && isReadable(here, piece)) {
      pieceEnd = offset + piece;
      return;
    }
    unreadableEnd = offset + piece;
    if (!unreadableTold) {
      unreadableTold = true;
      LOG.atError()
          .addKeyValue("segment", here)
          .addKeyValue("offset", offset)
          .setCause(failure)
          .log("output.unreadable");
    }
  }

  private boolean isReadable(Segment here, int length) throws LinuxException {
    try {
      here.read(offset, new byte[length], length, false);
      return true;
    } catch (LinuxException e) {
      if (e.errno() != Errno.EIO) {
        throw e;
      }
      return false;
    }
  }

  private boolean isCached(Segment here, int length) {
    if (offset + length > cachedEnd || offset < cachedStart) {
      cachedStart = offset;
      cachedEnd = here.isCached(offset, length) ? offset + length : offset;
    }
    return offset + length <= cachedEnd;
  }

  /** Has the next {@code maxBytes} brought into memory, and waits for it. */
  public void load(int maxBytes) throws IOException {
    if (settle().isEmpty()) {
      int length = wanted(maxBytes);
      Segment here = requireNonNull(segment);
      try {
        here.read(offset, new byte[length], length, false);
      } catch (LinuxException e) {
        narrow(e, here, length); // and read will say
      }
      cachedEnd = cachedStart; // which is to be found out anew
    }
  }

  /**
   * Finds the segment and the frame that hold the offset; if there is no byte to be read there,
   * answers what there is instead. A writer describes a byte before it tells of it, so what is not
   * found below the end was overtaken or is damaged, and then told as dropped.
   */
  private Optional<ReadResult> settle() throws IOException {
    switch (log.logEnd().at(offset)) {
      case CAUGHT_UP -> {
        return CAUGHT_UP;
      }
      case END -> {
        return END;
      }
      case MORE -> {}
    }
    if (offset < unreadableEnd) {
      return Optional.of(new ReadResult.Dropped(unreadableEnd, unreadableEnd - offset));
    }
    long end = log.end();
    long next = nextKept(end);
    long oldest = log.oldest(); // after all that was read
    if (offset < oldest) {
      next = Math.min(oldest, end);
    }
    return next > offset
        ? Optional.of(new ReadResult.Dropped(next, next - offset))
        : Optional.empty();
  }

  /**
   * The offset itself, if `segment` and `frame` hold it now, or that of the next byte that is kept.
   */
  private long nextKept(long end) throws IOException {
    for (int tries = 0; tries < MAX_TRIES; tries++) {
      boolean isNew = segment == null;
      Optional<Segment> next = isNew ? log.ring().at(offset) : Optional.ofNullable(segment);
      while (next.isPresent() && (next.get() == segment || enter(next.get()))) {
        Segment here = next.get();
        if (here.base() > offset) {
          return Math.min(here.base(), end);
        }
        boolean found = findFrame(here, end);
        if (isOvertaken(here)) { // that was another segment's frame, or none of this one's
          break;
        }
        if (found) {
          return offset;
        }
        next = log.ring().after(here);
      }
      if (offset < log.oldest() || (next.isEmpty() && isNew)) {
        return end;
      }
      leaveSegment(); // it was overtaken, or was empty and has begun anew elsewhere: look again
    }
    return end;
  }

  /** Whether the file may be a later segment's by now; to be asked after it was read. */
  private boolean isOvertaken(Segment here) {
    return here.base() < log.oldest();
  }

  private boolean enter(Segment next) throws IOException {
    leaveSegment();
    if (!next.acquire()) {
      return false;
    }
    segment = next;
    position = next.base() < offset ? next.index().frameAt(offset) : 0;
    return true;
  }

  /** Looks for the frame that holds the offset, from `position` on. */
  private boolean findFrame(Segment here, long end) throws IOException {
    Frame known = frame;
    while (known == null || known.end() <= offset) {
      Optional<Frame> now = here.index().frame(position); // it may have grown
      if (now.isEmpty()) {
        return false;
      }
      known = now.get();
      if (known.end() <= offset) {
        position++;
        known = null;
      }
    }
    frame = known.end() <= end ? known : new Frame(end, known.stream(), known.micros());
    return true;
  }

  private void leaveSegment() {
    Segment left = segment;
    if (left != null) {
      segment = null;
      frame = null;
      position = 0;
      left.release();
    }
  }

  /**
   * Calls {@code callback} once when {@link #read} would answer something other than caught up, at
   * once if it already would. It is called on any thread, and must only pass the word on.
   */
  public void await(Runnable callback) {
    waiter = callback;
    log.logEnd().await(callback, offset);
  }

  /** Frees what the cursor holds; a callback that is still awaited may or may not come. */
  @Override
  public void close() {
    leaveSegment();
    log.detach(waiter, where);
  }
}
