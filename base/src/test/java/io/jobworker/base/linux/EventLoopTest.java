package io.jobworker.base.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class EventLoopTest {
  private static final int THREADS = 8;
  private static final int ROUNDS = 2_000;

  /** A loop that is awake can see that it is closed before it is woken for that. */
  @Test
  void aLoopThatIsAwakeCanBeClosedAtAnyMoment() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Callable<Void>> closers = new ArrayList<>();
      for (int i = 0; i < THREADS; i++) {
        closers.add(EventLoopTest::openAndClose);
      }
      for (Future<Void> closer : threads.invokeAll(closers)) {
        closer.get();
      }
    }
  }

  private static Void openAndClose() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      EventLoop loop = EventLoop.start("test");
      for (int task = 0; task < round % 50; task++) {
        loop.execute(Thread::onSpinWait);
      }
      loop.close();
    }
    return null;
  }
}
