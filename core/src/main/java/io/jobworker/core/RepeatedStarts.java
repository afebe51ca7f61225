package io.jobworker.core;

import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.store.JobStore;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Sees to it that a start that is asked for again, by the same owner with the same request id,
 * makes no second job. Thread-safe.
 */
final class RepeatedStarts {
  private final JobStore store;

  /** Those that are under way: whoever asks again meanwhile waits for the first. */
  private final ConcurrentMap<Key, CompletableFuture<Job>> underWay = new ConcurrentHashMap<>();

  private record Key(String owner, String requestId) {}

  RepeatedStarts(JobStore store) {
    this.store = store;
  }

  /**
   * The job that was started by an earlier request like this one, by {@code find}, or else by
   * {@code start}. A request without an id is like no other.
   */
  Job once(StartRequest request, Supplier<Job> start, Function<JobId, Job> find) {
    Optional<String> id = request.spec().requestId();
    return id.isEmpty()
        ? start.get()
        : once(new Key(request.owner().name(), id.get()), start, find);
  }

  private Job once(Key key, Supplier<Job> start, Function<JobId, Job> find) {
    CompletableFuture<Job> mine = new CompletableFuture<>();
    CompletableFuture<Job> first = underWay.putIfAbsent(key, mine);
    if (first != null) {
      return resultOf(first);
    }
    try {
      Job job =
          store
              .findByRequest(key.owner(), key.requestId())
              .map(known -> find.apply(known.id()))
              .orElseGet(start);
      mine.complete(job);
      return job;
    } catch (RuntimeException e) {
      mine.completeExceptionally(e);
      throw e;
    } finally {
      underWay.remove(key, mine);
      mine.completeExceptionally(
          new JobException.Unavailable("the start failed")); // if all else did
    }
  }

  private static Job resultOf(CompletableFuture<Job> start) {
    try {
      return start.join(); // which the launch patience bounds
    } catch (CompletionException e) {
      throw e.getCause() instanceof JobException failure ? failure : e;
    }
  }
}
