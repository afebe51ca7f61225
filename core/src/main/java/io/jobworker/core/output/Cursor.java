package io.jobworker.core.output;

import io.jobworker.core.output.Segment.Frame;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One reader's position in an {@link OutputLog}. It never waits: {@link #read} answers what there
 * is, and {@link #await} calls back when there is more. For one thread at a time; the owner closes
 * it. Where the log is to block its job rather than overwrite, an open cursor is what it blocks
 * for.
 */
public final class Cursor implements AutoCloseable {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();

  private final OutputLog log;
  private final Optional<Stream> only;
  private volatile long offset; // written by the reader, read by the writer
  private @Nullable Segment segment; // acquired
  private int position; // of the frame that holds the offset, as far as known
  private @Nullable Frame frame; // at `position`
  private volatile Runnable wake = () -> {};

  Cursor(OutputLog log, long offset, Optional<Stream> only) {
    this.log = log;
    this.only = only;
    this.offset = Math.max(0, offset);
  }

  /** The offset of the next byte to be read. */
  public long offset() {
    return offset;
  }

  /** The next bytes, at most {@code maxBytes} of them, all of one stream. */
  public Read read(int maxBytes) throws IOException {
    log.passed(); // what was answered before has been taken by now
    for (; ; ) {
      boolean finished = log.isFinished(); // before the end: what comes in between is not missed
      long end = log.end();
      if (offset >= end) {
        return finished ? Read.END : Read.CAUGHT_UP;
      }
      Segment here = segment;
      if (here == null || offset >= here.end()) {
        leaveSegment();
        Optional<Segment> next = log.segmentAt(offset);
        if (next.isEmpty()) {
          return dropped(end); // nothing after it is kept, for now
        }
        if (!enter(next.get())) {
          return dropped(Math.max(next.get().end(), offset + 1));
        }
        if (next.get().base() > offset) {
          return dropped(next.get().base());
        }
        continue;
      }
      Read.Chunk chunk = chunkOf(here, maxBytes);
      offset = chunk.offset() + chunk.bytes().remaining();
      if (only.isEmpty() || only.get() == chunk.stream()) {
        return chunk;
      }
    }
  }

  private Read.Dropped dropped(long resume) {
    Read.Dropped dropped = new Read.Dropped(resume, resume - offset);
    offset = resume;
    return dropped;
  }

  private Read.Chunk chunkOf(Segment here, int maxBytes) {
    long end = here.end(); // before the frames: each byte before it has its frame
    int frames = here.frames();
    Frame current = frame;
    if (current == null) {
      position = Math.max(0, here.frameAt(offset));
      current = here.frame(position);
    }
    long frameEnd = here.frameEnd(position, frames, end);
    while (offset >= frameEnd && position + 1 < frames) {
      current = here.frame(++position);
      frameEnd = here.frameEnd(position, frames, end);
    }
    frame = current;
    int length = (int) Math.min(maxBytes, frameEnd - offset);
    boolean wanted = only.isEmpty() || only.get() == current.stream();
    ByteBuffer bytes = wanted ? here.read(offset, length) : NOTHING;
    if (!wanted) {
      offset = frameEnd;
    }
    Instant time = Instant.EPOCH.plus(current.micros(), ChronoUnit.MICROS);
    return new Read.Chunk(current.stream(), offset, time, bytes);
  }

  private boolean enter(Segment next) throws IOException {
    if (!next.acquire()) {
      return false; // overtaken by the ring between the look and the grasp, or damaged
    }
    segment = next;
    return true;
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
    wake = callback;
    log.await(this, offset);
  }

  /** For the log: there is more, or the end. */
  void wake() {
    wake.run();
  }

  /** Frees what the cursor holds; a callback that is still awaited may or may not come. */
  @Override
  public void close() {
    leaveSegment();
    log.forget(this);
  }
}
