package io.jobworker.core.output;

import static java.util.Objects.requireNonNull;

import io.jobworker.core.linux.Linux;
import io.jobworker.core.output.Segment.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One reader's position in an {@link OutputLog}. It never waits: {@link #read} answers what there
 * is, and {@link #await} calls back when there is more. For one thread at a time; the owner closes
 * it. Where the log is to block its job rather than overwrite, an open cursor is what it blocks
 * for.
 */
public final class Cursor implements AutoCloseable {
  private static final Optional<Read> CAUGHT_UP = Optional.of(Read.CAUGHT_UP);
  private static final Optional<Read> END = Optional.of(Read.END);

  private final OutputLog log;
  private final Optional<Stream> only;
  private volatile long offset; // written by the reader, read by the writer
  private @Nullable Segment segment; // acquired
  private int position; // of the frame that holds the offset, as far as known
  private @Nullable Frame frame; // at `position`
  private long frameEnd; // of that frame, as far as it had been written
  private long cachedStart; // from here
  private long cachedEnd; // to here the file was found in memory when it was last looked at
  private Runnable waiter = () -> {}; // the last that was to be woken

  @SuppressWarnings("UnnecessaryLambda") // the log knows the reader by it
  private final LongSupplier where = () -> offset;

  Cursor(OutputLog log, long offset, Optional<Stream> only) {
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
  public Read read(byte[] into, int maxBytes) throws IOException {
    log.passed(); // what was answered before has been taken by now
    int max = Math.min(maxBytes, into.length);
    for (; ; ) {
      Optional<Read> other = settle();
      if (other.isPresent()) {
        if (other.get() instanceof Read.Dropped dropped) {
          offset = dropped.resumeOffset();
        }
        return other.get();
      }
      Segment here = requireNonNull(segment);
      Frame current = requireNonNull(frame);
      long from = offset;
      if (only.isPresent() && only.get() != current.stream()) {
        offset = frameEnd;
        continue;
      }
      int wanted = (int) Math.min(max, frameEnd - from);
      int length = here.read(from, into, wanted, isCached(here, wanted));
      offset = from + length;
      Instant time = Instant.EPOCH.plus(current.micros(), ChronoUnit.MICROS);
      return new Read.Chunk(current.stream(), from, time, ByteBuffer.wrap(into, 0, length));
    }
  }

  /** Reads what {@link OutputLog} has at most in one piece. */
  public Read read(byte[] into) throws IOException {
    return read(into, into.length);
  }

  /**
   * Whether a read of up to {@code maxBytes} would not wait for a disk; true also where the kernel
   * cannot tell.
   */
  public boolean isInMemory(int maxBytes) throws IOException {
    return !Linux.knowsWhatIsCached()
        || settle().isPresent()
        || isCached(requireNonNull(segment), (int) Math.min(maxBytes, frameEnd - offset));
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
      int length = (int) Math.min(maxBytes, frameEnd - offset);
      requireNonNull(segment).read(offset, new byte[length], length, false);
      cachedEnd = cachedStart; // which is to be found out anew
    }
  }

  /**
   * Finds the segment and the frame that hold the offset; if there is no byte to be read there,
   * answers what there is instead.
   */
  private Optional<Read> settle() throws IOException {
    for (; ; ) {
      switch (log.progress().at(offset)) {
        case CAUGHT_UP -> {
          return CAUGHT_UP;
        }
        case END -> {
          return END;
        }
        case MORE -> {}
      }
      Segment here = segment;
      if (here != null && offset >= here.base() && offset < here.end()) {
        findFrame(here);
        return Optional.empty();
      }
      leaveSegment();
      Optional<Segment> next = log.segmentAt(offset);
      if (next.isEmpty()) {
        return dropped(log.end()); // nothing after it is kept, for now
      }
      if (!next.get().acquire()) {
        // Overtaken by the ring between the look and the grasp, or damaged.
        return dropped(Math.max(next.get().end(), offset + 1));
      }
      segment = next.get();
      if (next.get().base() > offset) {
        return dropped(next.get().base());
      }
    }
  }

  private Optional<Read> dropped(long resume) {
    return Optional.of(new Read.Dropped(resume, resume - offset));
  }

  private void findFrame(Segment here) {
    long end = here.end(); // before the frames: each byte before it has its frame
    int frames = here.frames();
    Frame current = frame;
    if (current == null) {
      position = Math.max(0, here.frameAt(offset));
      current = here.frame(position);
    }
    frameEnd = here.frameEnd(position, frames, end);
    while (offset >= frameEnd && position + 1 < frames) {
      current = here.frame(++position);
      frameEnd = here.frameEnd(position, frames, end);
    }
    frame = current;
  }

  private void leaveSegment() {
    Segment left = segment;
    if (left != null) {
      segment = null;
      frame = null;
      left.release();
    }
  }

  /**
   * Calls {@code callback} once when {@link #read} would answer something other than caught up, at
   * once if it already would. It is called on any thread, and must only pass the word on.
   */
  public void await(Runnable callback) {
    waiter = callback;
    log.progress().await(callback, offset);
  }

  /** Frees what the cursor holds; a callback that is still awaited may or may not come. */
  @Override
  public void close() {
    leaveSegment();
    log.detach(waiter, where);
  }
}
