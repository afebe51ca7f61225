package io.jobworker.server.timing;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TickerTest {
  /** Work that was handed over and has not run yet. */
  private final Queue<Runnable> handedOver = new ArrayDeque<>();

  private final AtomicInteger done = new AtomicInteger();
  private final Ticker ticker = new Ticker("test", handedOver::add, done::incrementAndGet);

  @Test
  void aTickThatFindsTheLastOneAtWorkIsSkippedAndNotQueued() {
    ticker.tick();
    ticker.tick();
    ticker.tick();
    assertThat(handedOver).hasSize(1);
    handedOver.remove().run();
    ticker.tick();
    assertThat(handedOver).hasSize(1);
  }

  @Test
  void workThatFailsIsDoneAgainAtTheNextTick() {
    List<String> calls = new ArrayList<>();
    Ticker failing =
        new Ticker(
            "failing",
            Runnable::run,
            () -> {
              calls.add("called");
              throw new IllegalStateException("on purpose");
            });
    failing.tick();
    failing.tick();
    assertThat(calls).hasSize(2);
  }

  @Test
  void onceStoppedItBeginsNoMoreWorkNotEvenWhatWasHandedOver() {
    ticker.tick();
    ticker.stop();
    handedOver.remove().run();
    ticker.tick();
    assertThat(handedOver).isEmpty();
    assertThat(done).hasValue(0);
  }

  @Test
  void itTicksOnAfterItsWorkersRefusedOnce() {
    AtomicInteger refusals = new AtomicInteger(1);
    Ticker refused =
        new Ticker(
            "refused",
            task -> {
              if (refusals.getAndDecrement() > 0) {
                throw new RejectedExecutionException();
              }
              task.run();
            },
            done::incrementAndGet);
    refused.tick();
    refused.tick();
    assertThat(done).hasValue(1);
  }

  @Test
  void workThatBlocksLeavesTheTimerFree() throws Exception {
    CountDownLatch atWork = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    CountDownLatch timerWasFree = new CountDownLatch(1);
    try (ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
        Ticker blocking =
            new Ticker(
                "blocking",
                task -> Thread.ofVirtual().start(task),
                () -> {
                  atWork.countDown();
                  awaitUninterruptibly(goOn);
                })) {
      try {
        blocking.start(timer, Duration.ofMillis(1));
        atWork.await();
        timer.execute(timerWasFree::countDown);
        timerWasFree.await();
      } finally {
        goOn.countDown();
      }
    }
  }

  @Test
  void closingWaitsForTheWorkThatIsRunning() throws Exception {
    CountDownLatch atWork = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    AtomicInteger finished = new AtomicInteger();
    Ticker slow =
        new Ticker(
            "slow",
            task -> Thread.ofVirtual().start(task),
            () -> {
              atWork.countDown();
              awaitUninterruptibly(goOn);
              finished.incrementAndGet();
            },
            Duration.ofHours(1));
    slow.tick();
    atWork.await();
    Thread closing = Thread.ofPlatform().start(slow::close);
    while (closing.isAlive() && closing.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    assertThat(closing.isAlive()).isTrue();
    goOn.countDown();
    closing.join();
    assertThat(finished).hasValue(1);
  }

  @Test
  void closingLeavesWorkAloneThatDoesNotEnd() throws Exception {
    CountDownLatch atWork = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Ticker stuck =
        new Ticker(
            "stuck",
            task -> Thread.ofVirtual().start(task),
            () -> {
              atWork.countDown();
              awaitUninterruptibly(goOn);
            },
            Duration.ofMillis(1));
    stuck.tick();
    atWork.await();
    stuck.close(); // as when a certificate's file is on a disk that has gone
    assertThat(goOn.getCount()).isOne();
    goOn.countDown();
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
