package io.jobworker.server.transport;

import io.github.bucket4j.Bucket;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How quickly each source's handshakes follow on one another: each takes the server some of its CPU
 * time. Thread-safe.
 */
final class Paces {
  /** Of so many sources it is known how quick they were; who comes back later begins anew. */
  private static final int MAX_SOURCES = 4096;

  private final int perSecond;

  /** Guards {@link #sources}; nothing else is called while it is held. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Map<String, Bucket> sources =
      new LinkedHashMap<>(16, 0.75f, true) { // in the order of their last use
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
          return size() > MAX_SOURCES;
        }
      };

  /** {@code perSecond} in the long run; twice as many after a while without. */
  Paces(int perSecond) {
    this.perSecond = perSecond;
  }

  /** Whether another handshake of that source may begin now; if not, later. */
  boolean admits(Source source) {
    return bucket(source.address()).tryConsume(1);
  }

  private Bucket bucket(String address) {
    lock.lock();
    try {
      return sources.computeIfAbsent(address, _ -> fresh());
    } finally {
      lock.unlock();
    }
  }

  private Bucket fresh() {
    return Bucket.builder()
        .addLimit(
            limit -> limit.capacity(2L * perSecond).refillGreedy(perSecond, Duration.ofSeconds(1)))
        .build();
  }
}
