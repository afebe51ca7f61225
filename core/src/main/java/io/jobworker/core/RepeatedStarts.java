package io.jobworker.core;

import io.jobworker.core.job.Field;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.RequestField;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.store.JobStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
  private static final byte[] NOTHING = {};

  private final JobStore store;
  private final Function<JobId, Optional<byte[]>> stdinOf;

  /** Those that are under way: whoever asks again meanwhile waits for the first. */
  private final ConcurrentMap<Key, CompletableFuture<Job>> underWay = new ConcurrentHashMap<>();

  private record Key(String owner, String requestId) {}

  /** {@code stdinOf} is what a job was given to read, as long as that is kept. */
  RepeatedStarts(JobStore store, Function<JobId, Optional<byte[]>> stdinOf) {
    this.store = store;
    this.stdinOf = stdinOf;
  }

  /**
   * The job that was started by an earlier request like this one, by {@code find}, or else by
   * {@code start}. A request without an id is like no other.
   *
   * @throws JobException.RequestIdTaken if the earlier one was for another job
   */
  Job once(StartRequest request, Supplier<Job> start, Function<JobId, Job> find) {
    Optional<String> id = request.spec().requestId();
    if (id.isEmpty()) {
      return start.get();
    }
    return once(request, new Key(request.owner().name(), id.get()), start, find);
  }

  /** What a job reads is compared as long as it is kept, which is while the job runs. */
  private void requireSame(StartRequest request, Job job) {
    byte[] stdin = stdinOf.apply(job.id()).orElse(NOTHING);
    JobStatus status = job.status(); // after that: it was still kept if the job has not ended yet
    List<Field> differing = new ArrayList<>(request.spec().differences(status.spec()));
    if (!status.state().isFinal() && !Arrays.equals(stdin, request.stdin())) {
      differing.add(RequestField.STDIN);
    }
    if (!differing.isEmpty()) {
      throw new JobException.RequestIdTaken(job.id(), differing);
    }
  }

  private Job once(StartRequest request, Key key, Supplier<Job> start, Function<JobId, Job> find) {
    CompletableFuture<Job> mine = new CompletableFuture<>();
    CompletableFuture<Job> first = underWay.putIfAbsent(key, mine);
    if (first != null) {
      Job job = resultOf(first);
      requireSame(request, job);
      return job;
    }
    try {
      Optional<Job> earlier =
          store.findByRequest(key.owner(), key.requestId()).map(known -> find.apply(known.id()));
      Job job = earlier.orElseGet(start);
      mine.complete(job);
      earlier.ifPresent(other -> requireSame(request, other));
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
