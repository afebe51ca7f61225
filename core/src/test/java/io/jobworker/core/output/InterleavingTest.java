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
    LogEnd[] logs = new LogEnd[1_000_000];
    LogWriter.Page[] pages = new LogWriter.Page[logs.length];
    Arrays.setAll(pages, i -> new LogWriter.Page());
    Arrays.setAll(logs, i -> new LogEnd(pages[i]));
    AtomicInteger tooEarly = new AtomicInteger();
    together(
        () -> {
          for (int i = 0; i < logs.length; i++) {
            pages[i].end = 1;
            logs[i].finish(pages[i]);
          }
        },
        () -> {
          for (LogEnd log : logs) {
            LogEnd.State state = LogEnd.State.CAUGHT_UP;
            while (state == LogEnd.State.CAUGHT_UP) {
              state = log.at(0);
            }
            if (state == LogEnd.State.END) {
              tooEarly.incrementAndGet();
            }
          }
        });
    check(tooEarly.get() == 0, "the end was seen before the last byte, times " + tooEarly);
  }

  /** As the launcher does it: the end first, then it takes the wish. */
  private static void publish(LogWriter.Page page, LogEnd log, long end) {
    page.end = end;
    if (page.waiting.getAndSet(false)) {
      log.wakeAll();
    }
  }

  @Test
  void whoeverWaitsIsWokenOnce() {
    Lincheck.runConcurrentTest(
        INTERLEAVINGS,
        () -> {
          LogWriter.Page page = new LogWriter.Page();
          LogEnd log = new LogEnd(page);
          AtomicInteger woken = new AtomicInteger();
          together(() -> publish(page, log, 1), () -> log.await(woken::incrementAndGet, 0));
          check(woken.get() == 1, "not woken once");
        });
  }

  @Test
  void twoWhoWaitAreBothWokenByTheOneThatComesBetween() {
    Lincheck.runConcurrentTest(
        INTERLEAVINGS,
        () -> {
          LogWriter.Page page = new LogWriter.Page();
          LogEnd log = new LogEnd(page);
          AtomicInteger first = new AtomicInteger();
          AtomicInteger second = new AtomicInteger();
          together(
              () -> publish(page, log, 1),
              () -> log.await(first::incrementAndGet, 0),
              () -> log.await(second::incrementAndGet, 0));
          check(first.get() == 1 && second.get() == 1, "not woken once each");
        });
  }

  /** As the launcher does it: says that it waits, then looks at the mark once more. */
  private static void waitForRoom(LogWriter.Page page, long until, AtomicInteger told) {
    if (page.passed(until)) {
      told.incrementAndGet();
      return;
    }
    page.writerWaits = true;
    if (page.passed(until)) {
      told.incrementAndGet();
    }
  }

  @Test
  void aWriterThatWaitsForItsReadersIsToldWhenTheyHavePassed() {
    Lincheck.runConcurrentTest(
        INTERLEAVINGS,
        () -> {
          LogWriter.Page page = new LogWriter.Page();
          AtomicInteger told = new AtomicInteger();
          ReaderGate gate =
              new ReaderGate(
                  page,
                  () -> {
                    if (page.passed(10)) {
                      told.incrementAndGet();
                    }
                  });
          AtomicLong first = new AtomicLong();
          AtomicLong second = new AtomicLong();
          java.util.function.LongSupplier leaving = second::get;
          gate.attach(first::get);
          gate.attach(leaving);
          together(
              () -> {
                waitForRoom(page, 10, told);
                gate.passed(); // the writer wakes the server when it waits
              },
              () -> {
                first.set(10);
                gate.passed();
              },
              () -> gate.detach(leaving));
          check(told.get() > 0, "not told");
        });
  }
}
