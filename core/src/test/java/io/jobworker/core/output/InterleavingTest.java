package io.jobworker.core.output;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jetbrains.lincheck.Lincheck;
import org.junit.jupiter.api.Test;

/**
 * What must hold in whatever order the steps of the threads happen; a model checker orders them.
 */
class InterleavingTest {
  private static final int INTERLEAVINGS = 2000;

  private static void together(Runnable... tasks) {
    List<Thread> threads = new ArrayList<>();
    for (Runnable task : tasks) {
      threads.add(new Thread(task));
    }
    threads.forEach(Thread::start);
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Not AssertJ, whose objects the model checker stumbles over. */
  private static void check(boolean holds, String otherwise) {
    if (!holds) {
      throw new AssertionError(otherwise);
    }
  }

  /** The window is of a few nanoseconds, so by the million instead of by the model checker. */
  @Test
  void theEndIsNotSeenBeforeTheLastByte() {
    Progress[] logs = new Progress[1_000_000];
    Arrays.setAll(logs, i -> new Progress(0));
    AtomicInteger tooEarly = new AtomicInteger();
    together(
        () -> {
          for (Progress log : logs) {
            log.advance(1);
            log.finish();
          }
        },
        () -> {
          for (Progress log : logs) {
            Progress.State state = Progress.State.CAUGHT_UP;
            while (state == Progress.State.CAUGHT_UP) {
              state = log.at(0);
            }
            if (state == Progress.State.END) {
              tooEarly.incrementAndGet();
            }
          }
        });
    check(tooEarly.get() == 0, "the end was seen before the last byte, times " + tooEarly);
  }

  @Test
  void whoeverWaitsIsWokenOnce() {
    Lincheck.runConcurrentTest(
        INTERLEAVINGS,
        () -> {
          Progress progress = new Progress(0);
          AtomicInteger woken = new AtomicInteger();
          together(
              () -> {
                progress.advance(1);
                progress.finish();
              },
              () -> progress.await(woken::incrementAndGet, 0));
          check(woken.get() == 1, "not woken once");
        });
  }

  @Test
  void aWriterThatWantsRoomIsToldWhenTheReadersHavePassed() {
    Lincheck.runConcurrentTest(
        INTERLEAVINGS,
        () -> {
          Room room = new Room();
          AtomicLong first = new AtomicLong();
          AtomicLong second = new AtomicLong();
          room.attach(first::get);
          java.util.function.LongSupplier leaving = second::get;
          room.attach(leaving);
          AtomicInteger told = new AtomicInteger();
          together(
              () -> room.await(10, told::incrementAndGet),
              () -> {
                first.set(10);
                room.passed();
              },
              () -> room.detach(leaving));
          check(told.get() == 1, "not told once");
        });
  }
}
