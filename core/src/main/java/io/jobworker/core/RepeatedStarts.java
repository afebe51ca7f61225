package io.jobworker.core;

import io.jobworker.core.job.Field;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.RequestField;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.store.JobRecord;
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

  /** What there is to be done about a request. */
  interface Ways {
    /** It is the first one. */
    Job start();

    /** It is for a job that has been started, or never will be. */
    Job find(JobId id);

    /** It is for one that was recorded, and of which more was not known then. */
    Job startRecorded(JobId id);
  }

  /**
   * The job that was started by an earlier request like this one, or else by this one. A request
   * without an id is like no other.
   *
   * @throws JobException.RequestIdTaken if the earlier one was for another job
   */
  Job once(StartRequest request, Ways ways) {
    Optional<String> id = request.spec().requestId();
    if (id.isEmpty()) {
      return ways.start();
    }
    return once(request, new Key(request.owner().name(), id.get()), ways);
  }

  /** What a job reads is compared as long as it is kept, which is while the job runs. */
  private void requireSame(StartRequest request, Job job) {
    byte[] stdin = stdinOf.apply(job.id()).orElse(NOTHING);
    JobStatus status = job.status(); // after that: it was still kept if the job has not ended yet
    List<Field> differing = new ArrayList<>(request.spec().differences(status.spec()));
    if (!status.state().isFinal() && !Arrays.equals(stdin, request.stdin())) {
      differing.add(RequestField.STDIN);
    }
    refuseIfAny(differing, job.id());
  }

  private static void refuseIfAny(List<Field> differing, JobId earlier) {
    if (!differing.isEmpty()) {
      throw new JobException.RequestIdTaken(earlier, differing);
    }
  }

  private Job once(StartRequest request, Key key, Ways ways) {
    CompletableFuture<Job> mine = new CompletableFuture<>();
    CompletableFuture<Job> first = underWay.putIfAbsent(key, mine);
    if (first != null) {
      Job job = resultOf(first);
      requireSame(request, job);
      return job;
    }
    try {
      Optional<JobRecord> earlier = store.findByRequest(key.owner(), key.requestId());
      Job job = earlier.isPresent() ? again(request, earlier.get(), ways) : ways.start();
      mine.complete(job);
      if (earlier.isPresent() && earlier.get().settled()) {
        requireSame(request, job);
      }
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

  private static Job again(StartRequest request, JobRecord earlier, Ways ways) {
    if (earlier.settled()) {
      return ways.find(earlier.id());
    }
    refuseIfAny(request.spec().differences(earlier.spec()), earlier.id()); // before it is started
    return ways.startRecorded(earlier.id());
  }

  private static Job resultOf(CompletableFuture<Job> start) {
    try {
      return start.join(); // which the launch patience bounds
    } catch (CompletionException e) {
      throw e.getCause() instanceof JobException failure ? failure : e;
    }
  }
}
