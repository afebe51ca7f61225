package io.jobworker.core.output;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.MemoryCalls;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * What the writer of a log tells its readers, and they tell it: the page of memory that {@code
 * launcher/src/page.h} describes, or its last state. Everything in it is another process's word: a
 * wrong value may mislead about this log, and about nothing else. Thread-safe.
 *
 * <p>No wake-up is lost, because all four steps are sequentially consistent. A reader calls {@link
 * #wantWakeUp}, then looks at {@link #end}; the writer sets the end, then takes the wish. Likewise
 * the writer says that it waits, then looks at the mark; a reader calls {@link #mark}, then looks
 * whether {@link #writerWaits}.
 */
public interface LogPage {
  /** No reader needs what is oldest. */
  long NO_MARK = -1L;

  /** The offset after the last byte; all before it that is kept can be read. */
  long end();

  /**
   * The offset of the first byte that is kept. Moves on before the bytes before it are overwritten,
   * so that whoever has read looks here again before it trusts what it has read.
   */
  long oldest();

  /** How many bytes can be read. */
  long kept();

  /** How many bytes the disk did not take; they are not kept, but count. */
  long lost();

  /** The errno of what was lost last; 0 if nothing was. */
  int error();

  /** Whether the writer has said that there will be no more. */
  boolean isFinished();

  /**
   * Since when the writer has been at the job's pipes, in milliseconds of CLOCK_MONOTONIC; 0 if it
   * is not. In good health it stays there for microseconds.
   */
  long readingSinceMillis();

  /** Asks to be woken when the end moves. */
  void wantWakeUp();

  /** Whether the writer waits for the mark to pass what is oldest. */
  boolean writerWaits();

  /** Every reader has passed {@code offset}; {@link #NO_MARK}: there is none. */
  void mark(long offset);

  long mark();

  /** How many bytes of disk the log may take from now on; 0: what it was started with. */
  void share(long bytes);

  /** What is known of a log that nobody writes any more. */
  static LogPage finished(long end, long oldest, long kept) {
    return new Finished(end, oldest, kept);
  }

  /**
   * The page that {@code memory} stands for, which may be closed afterwards.
   *
   * @throws LinuxException if it is not such a page, or one of an unknown version
   */
  static LogPage of(Fd memory) throws LinuxException {
    MemorySegment page = MemoryCalls.mapSealed(memory, Shared.BYTES);
    if (page.get(ValueLayout.JAVA_LONG, 0) != Shared.MAGIC) {
      throw new LinuxException(
          "mmap", memory + ": not a page of a log, or of another version", Errno.EPROTO);
    }
    return new Shared(page);
  }

  /** Nothing changes any more. */
  record Finished(long end, long oldest, long kept) implements LogPage {
    @Override
    public long lost() {
      return 0;
    }

    @Override
    public int error() {
      return 0;
    }

    @Override
    public boolean isFinished() {
      return true;
    }

    @Override
    public long readingSinceMillis() {
      return 0;
    }

    @Override
    public void wantWakeUp() {}

    @Override
    public boolean writerWaits() {
      return false;
    }

    @Override
    public void mark(long offset) {}

    @Override
    public long mark() {
      return NO_MARK;
    }

    @Override
    public void share(long bytes) {}
  }

  /** Memory that is shared with the launcher. */
  final class Shared implements LogPage {
    private static final long BYTES = 4096;
    private static final long MAGIC = 0x02000000474f4c4aL;
    private static final int STATE_CAPTURING = 0;

    private static final VarHandle END = number(64);
    private static final VarHandle OLDEST = number(72);
    private static final VarHandle KEPT = number(80);
    private static final VarHandle LOST = number(88);
    private static final VarHandle READING_SINCE = number(96);
    private static final VarHandle ERROR = small(104);
    private static final VarHandle STATE = small(108);
    private static final VarHandle WRITER_WAITS = small(112);
    private static final VarHandle WAITING = small(128);
    private static final VarHandle MARK = number(136);
    private static final VarHandle SHARE = number(144);

    private final MemorySegment page;

    private Shared(MemorySegment page) {
      this.page = page;
    }

    private static VarHandle number(long offset) {
      return MemoryLayout.structLayout(MemoryLayout.paddingLayout(offset), JAVA_LONG)
          .varHandle(MemoryLayout.PathElement.groupElement(1))
          .withInvokeExactBehavior();
    }

    private static VarHandle small(long offset) {
      return MemoryLayout.structLayout(MemoryLayout.paddingLayout(offset), JAVA_INT)
          .varHandle(MemoryLayout.PathElement.groupElement(1))
          .withInvokeExactBehavior();
    }

    @Override
    public long end() {
      return Math.max(0, (long) END.getVolatile(page, 0L));
    }

    @Override
    public long oldest() {
      return Math.max(0, (long) OLDEST.getVolatile(page, 0L));
    }

    @Override
    public long kept() {
      return Math.clamp((long) KEPT.getVolatile(page, 0L), 0, end());
    }

    @Override
    public long lost() {
      return (long) LOST.getVolatile(page, 0L);
    }

    @Override
    public int error() {
      return (int) ERROR.getVolatile(page, 0L);
    }

    @Override
    public boolean isFinished() {
      return (int) STATE.getVolatile(page, 0L) != STATE_CAPTURING;
    }

    @Override
    public long readingSinceMillis() {
      return (long) READING_SINCE.getVolatile(page, 0L);
    }

    @Override
    public void wantWakeUp() {
      WAITING.setVolatile(page, 0L, 1);
    }

    @Override
    public boolean writerWaits() {
      return (int) WRITER_WAITS.getVolatile(page, 0L) != 0;
    }

    @Override
    public void mark(long offset) {
      MARK.setVolatile(page, 0L, offset);
    }

    @Override
    public long mark() {
      return (long) MARK.getVolatile(page, 0L);
    }

    @Override
    public void share(long bytes) {
      SHARE.setVolatile(page, 0L, bytes);
    }
  }
}
