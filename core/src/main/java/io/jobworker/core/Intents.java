package io.jobworker.core;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.Usage;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;

/**
 * Starts that were recorded and not carried out, by a server that died meanwhile, say. None of them
 * is started unless it is asked for again, which it may be for a while; then it is a job that was
 * never started. As long as they are here they count as running. Thread-safe.
 */
final class Intents {
  private final JobStore store;
  private final Retention retention;
  private final JobEvents events;
  private final Insistence insistence;
  private final Executor workers;
  private final Clock clock;
  private final Duration patience;
  private final ConcurrentMap<JobId, Intent> waiting = new ConcurrentHashMap<>();

  /** A start, and at what its launch had failed; empty: it had not come so far. */
  @SuppressWarnings("ClassCanBeRecord") // two with the same content are not the same
  private static final class Intent {
    private final JobRecord record;
    private final String failure;

    private Intent(JobRecord record, String failure) {
      this.record = record;
      this.failure = failure;
    }
  }

  /**
   * @param workers may block
   * @param patience how long one waits to be asked for again
   */
  Intents(
      JobStore store,
      Retention retention,
      JobEvents events,
      Insistence insistence,
      Executor workers,
      Clock clock,
      Duration patience) {
    this.store = store;
    this.retention = retention;
    this.events = events;
    this.insistence = insistence;
    this.workers = workers;
    this.clock = clock;
    this.patience = patience;
  }

  /** One of which nothing but the record is left, and which is counted. */
  void add(JobRecord record, String failure) {
    Intent intent = new Intent(record.inBrief(), failure);
    waiting.put(record.id(), intent);
    // Without an id of either kind nobody can ask for it again.
    boolean repeatable = record.attempt() > 0 || record.spec().requestId().isPresent();
    Duration wait = repeatable ? patience : Duration.ZERO;
    CompletableFuture.delayedExecutor(wait.toMillis(), MILLISECONDS, workers)
        .execute(() -> giveUp(record.id(), intent));
  }

  /** Takes one out, to be launched, with its count; false if it is not here. */
  boolean claim(JobId id) {
    return waiting.remove(id) != null;
  }

  /** Unless it was claimed meanwhile, be it that it is here once more. */
  private void giveUp(JobId id, Intent intent) {
    if (waiting.remove(id, intent)) {
      insistence.insist("job.intent_not_ended", id, () -> end(intent));
    }
  }

  private void end(Intent intent) {
    JobRecord record = intent.record;
    Instant now = clock.instant().truncatedTo(ChronoUnit.MICROS);
    JobEnd end =
        new JobEnd(
            EndReason.NEVER_STARTED,
            OptionalInt.empty(),
            OptionalInt.empty(),
            now.isBefore(record.createdAt()) ? record.createdAt() : now,
            Usage.NONE,
            intent.failure);
    store.recordEnd(record.id(), end, 0, 0);
    store.markCleaned(record.id());
    retention.admission().of(record.owner()).release();
    events.publish(new JobEvent.Ended(record.ended(end).status()));
    retention.ended(record.owner());
  }
}
