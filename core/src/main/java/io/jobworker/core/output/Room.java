package io.jobworker.core.output;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Whether the oldest output of a log that blocks may make room: not while an attached reader has
 * yet to read it. The one writer asks, and when the answer is no, asks to be told; readers say when
 * they have gone on. Neither misses the other: the writer asks to be told, then looks where the
 * readers are; they go on, then look whether it has asked.
 */
final class Room {
  /** What the writer waits for, and what it is then called by. */
  private record Wish(long untilPassed, Runnable told) {}

  private final Set<LongSupplier> readers = ConcurrentHashMap.newKeySet();
  private final AtomicReference<@Nullable Wish> wish = new AtomicReference<>();

  /** A reader has come; {@code offset} tells where it is, and identifies it. */
  void attach(LongSupplier offset) {
    readers.add(offset);
  }

  void detach(LongSupplier offset) {
    if (readers.remove(offset)) {
      passed();
    }
  }

  /** Whether every reader has passed {@code offset}. */
  boolean allPassed(long offset) {
    for (LongSupplier reader : readers) {
      if (reader.getAsLong() < offset) {
        return false;
      }
    }
    return true;
  }

  /** Calls {@code told} once when every reader has passed {@code offset}; at once if they have. */
  void await(long offset, Runnable told) {
    wish.set(new Wish(offset, told));
    passed();
  }

  /** A reader has gone on. */
  void passed() {
    Wish wished = wish.get();
    if (wished != null && allPassed(wished.untilPassed()) && wish.compareAndSet(wished, null)) {
      wished.told().run();
    }
  }
}
