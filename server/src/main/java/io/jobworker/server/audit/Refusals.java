package io.jobworker.server.audit;

import io.github.bucket4j.Bucket;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Bounds how much of the log those can fill who are refused, each for itself: a burst of lines is
 * written, then some per second, and each says how many were left out before it. Thread-safe.
 */
final class Refusals {
  private static final int BURST = 200;
  private static final int PER_SECOND = 10;

  private final ConcurrentMap<String, Source> sources = new ConcurrentHashMap<>();

  private static final class Source {
    private final Bucket lines =
        Bucket.builder()
            .addLimit(
                limit -> limit.capacity(BURST).refillGreedy(PER_SECOND, Duration.ofSeconds(1)))
            .build();
    private final AtomicLong leftOut = new AtomicLong();
  }

  /**
   * Answers how many lines were left out since the last one that was not, or nothing if this one is
   * to be left out too. There are as many sources as there are clients, and a few.
   */
  OptionalLong line(String source) {
    Source of = sources.computeIfAbsent(source, _ -> new Source());
    if (of.lines.tryConsume(1)) {
      return OptionalLong.of(of.leftOut.getAndSet(0));
    }
    of.leftOut.incrementAndGet();
    return OptionalLong.empty();
  }
}
