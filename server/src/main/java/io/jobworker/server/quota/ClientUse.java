package io.jobworker.server.quota;

import io.github.bucket4j.Bucket;
import io.jobworker.core.job.JobException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What each client has of the server now: calls, streams, connections, and starts of late. What is
 * beyond its quota is refused at once and counts for nothing. Thread-safe.
 */
public final class ClientUse {
  private static final long SAVED_SECONDS = 10;
  private static final Duration SECOND = Duration.ofSeconds(1);

  private final ConcurrentMap<Key, AtomicLong> counts = new ConcurrentHashMap<>();
  private final ConcurrentMap<String, Starts> starts = new ConcurrentHashMap<>();

  private record Key(String client, Quota quota) {}

  private record Starts(long perSecond, Bucket bucket) {
    static Starts of(long perSecond) {
      return new Starts(
          perSecond,
          Bucket.builder()
              .addLimit(limit ->
                  limit.capacity(SAVED_SECONDS * perSecond).refillGreedy(perSecond, SECOND))
              .build());
    }
  }

  /** Something that a client has until it is released. */
  public interface Held {
    /** Idempotent. */
    void release();
  }

  /**
   * Counts one more until it is released.
   *
   * @throws JobException.QuotaExceeded if that would be more than the client may have
   */
  public Held take(String client, Quota quota, Quotas quotas) {
    AtomicLong count = counts.computeIfAbsent(new Key(client, quota), _ -> new AtomicLong());
    long most = quotas.of(quota).orElse(Long.MAX_VALUE);
    long before = count.getAndUpdate(now -> now < most ? now + 1 : now);
    if (before >= most) {
      throw new JobException.QuotaExceeded(
          quota.toString(), before + " of " + most + " are in use");
    }
    AtomicBoolean released = new AtomicBoolean();
    return () -> {
      if (released.compareAndSet(false, true)) {
        count.decrementAndGet();
      }
    };
  }

  /**
   * Counts one more start. What a client does not use of its rate is saved up for ten seconds.
   *
   * @throws JobException.QuotaExceeded if there were too many of late
   */
  public void start(String client, Quotas quotas) {
    OptionalLong most = quotas.of(Quota.STARTS_PER_SECOND);
    if (most.isEmpty()) {
      return;
    }
    Starts mine =
        starts.compute(
            client,
            (_, known) ->
                known != null && known.perSecond() == most.getAsLong()
                    ? known
                    : Starts.of(most.getAsLong()));
    if (!mine.bucket().tryConsume(1)) {
      throw new JobException.QuotaExceeded(
          Quota.STARTS_PER_SECOND.toString(),
          most.getAsLong()
              + " in a second are allowed, and ten times as many at once; try again in a moment");
    }
  }

  /** How many of these the client has now. */
  public long count(String client, Quota quota) {
    AtomicLong count = counts.get(new Key(client, quota));
    return count == null ? 0 : count.get();
  }
}
