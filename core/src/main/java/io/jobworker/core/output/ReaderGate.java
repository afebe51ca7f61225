package io.jobworker.core.output;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * Keeps the writer of a log that blocks from overwriting what an attached reader has yet to read.
 * The mark in the page is what every reader has passed. It is written when a reader comes or goes,
 * and when the writer waits for it; in between it lags behind, which holds nobody up. Thread-safe.
 */
final class ReaderGate {
  private final LogPage page;
  private final Runnable look;
  private final Set<LongSupplier> readers = ConcurrentHashMap.newKeySet(); // by their identity

  private long last; // mark that was published; guarded by readers

  /** Where the readers were whom a server before this one had; they may come back. */
  private volatile long absent;

  /**
   * @param look has the writer look at the mark
   */
  ReaderGate(LogPage page, Runnable look) {
    this.page = page;
    this.look = look;
    this.absent = page.mark();
    this.last = absent;
  }

  /** Whether somebody is waited for who is not attached yet. */
  boolean awaitsAbsent() {
    return absent != LogPage.NO_MARK;
  }

  /** They have not come back. */
  void forgetAbsent() {
    absent = LogPage.NO_MARK;
    publish();
  }

  /** A reader has come; {@code offset} tells where it is, and identifies it. */
  void attach(LongSupplier offset) {
    readers.add(offset);
    absent = LogPage.NO_MARK;
    publish();
  }

  void detach(LongSupplier offset) {
    if (readers.remove(offset)) {
      publish();
    }
  }

  /** A reader has gone on, or the writer has said something. */
  void passed() {
    if (page.writerWaits()) {
      publish();
    }
  }

  private void publish() {
    boolean moved;
    // Whoever comes last has seen every change before it, and its value stays.
    synchronized (readers) {
      long lowest = Long.MAX_VALUE;
      for (LongSupplier reader : readers) {
        lowest = Math.min(lowest, reader.getAsLong());
      }
      long mark = lowest == Long.MAX_VALUE ? absent : lowest;
      moved = mark != last;
      last = mark;
      page.mark(mark);
    }
    // A writer that waits has looked at the mark after it said so: only a new one is news.
    if (moved && page.writerWaits()) {
      look.run();
    }
  }
}
