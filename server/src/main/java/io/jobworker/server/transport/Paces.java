package io.jobworker.server.transport;

import io.github.bucket4j.Bucket;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * How quickly handshakes follow on one another, those of an address, of a network, and all: each
 * takes the server some of its CPU time. Thread-safe.
 */
final class Paces {
  /** Of so many it is known how quick they were; who comes back later begins anew. */
  private static final int MAX_KNOWN = 4096;

  /** So many addresses' pace is that of a network, and so many that of all. */
  private static final int OF_A_NETWORK = 4;

  private static final int OF_ALL = 10;

  /** So many times as quickly they are not even accepted: a connection costs something, too. */
  private static final int TOO_QUICK = 5;

  private final int perSecond;
  private final Known addresses;
  private final Known networks;
  private final Known accepts;
  private final Bucket all;

  /** {@code perSecond} of an address in the long run; twice as many after a while without. */
  Paces(int perSecond) {
    this.perSecond = perSecond;
    this.addresses = new Known(1);
    this.networks = new Known(OF_A_NETWORK);
    this.accepts = new Known(TOO_QUICK);
    this.all = bucket(OF_ALL);
  }

  /** Whether another connection of that source may be made. */
  boolean accepts(Source source) {
    return accepts.of(source.address()).tryConsume(1);
  }

  /** Whether another handshake of that source may begin now; if not, later. */
  boolean admits(Source source) {
    return addresses.of(source.address()).tryConsume(1)
        && networks.of(source.network()).tryConsume(1)
        && all.tryConsume(1);
  }

  private Bucket bucket(int times) {
    long rate = (long) times * perSecond;
    return Bucket.builder()
        .addLimit(limit -> limit.capacity(2 * rate).refillGreedy(rate, Duration.ofSeconds(1)))
        .build();
  }

  /** A bucket for each of those that were used last. */
  private final class Known {
    private final int times;
    private final ReentrantLock lock = new ReentrantLock();

    /** Guarded by the lock; in the order of their last use. */
    private final Map<String, Bucket> buckets =
        new LinkedHashMap<>(16, 0.75f, true) {
          @Override
          protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > MAX_KNOWN;
          }
        };

    private Known(int times) {
      this.times = times;
    }

    private Bucket of(String name) {
      lock.lock();
      try {
        return buckets.computeIfAbsent(name, _ -> bucket(times));
      } finally {
        lock.unlock();
      }
    }
  }
}
