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
 * Sees to it that a start that is asked for again, by the same owner with the same request id or
 * with the same assignment, makes no second job. Thread-safe.
 */
final class RepeatedStarts {
  private static final byte[] NOTHING = {};

  private final JobStore store;
  private final Function<JobId, Optional<byte[]>> stdinOf;

  /** Those that are under way: whoever asks again meanwhile waits for the first. */
  private final ConcurrentMap<Key, UnderWay> underWay = new ConcurrentHashMap<>();

  /** What is asked for, and what comes of it. */
  private record UnderWay(StartRequest request, CompletableFuture<Job> result) {
    static UnderWay of(StartRequest request) {
      return new UnderWay(request, new CompletableFuture<>());
    }

    /** Whether what it fails by is the answer to another request too. */
    boolean isFor(StartRequest other) {
      return request.owner().name().equals(other.owner().name())
          && request.assignment().equals(other.assignment())
          && request.spec().equals(other.spec())
          && Arrays.equals(request.stdin(), other.stdin());
    }
  }

  /** What requests have in common that are for one job. */
  private sealed interface Key {
    record OfRequest(String owner, String requestId) implements Key {}

    record OfJob(JobId id) implements Key {}

    static Optional<Key> of(StartRequest request) {
      if (request.assignment().isPresent()) {
        return Optional.of(new OfJob(request.assignment().get().id()));
      }
      return request.spec().requestId().map(id -> new OfRequest(request.owner().name(), id));
    }
  }

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
    Job startRecorded(JobRecord intent);
  }

  /**
   * The job that was started by an earlier request like this one, or else by this one. A request
   * without an id is like no other.
   *
   * @param request as it was asked, without what is the service's to choose
   * @throws JobException.RequestIdTaken if the earlier one was for another job
   * @throws JobException.IdTaken if the assigned id is another owner's, or another attempt's
   */
  Job once(StartRequest request, Ways ways) {
    Optional<Key> key = Key.of(request);
    return key.isPresent() ? once(request, key.get(), ways) : ways.start();
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
    UnderWay mine = UnderWay.of(request);
    for (UnderWay first = underWay.putIfAbsent(key, mine);
        first != null;
        first = underWay.putIfAbsent(key, mine)) {
      Optional<Job> job = resultOf(first, request);
      if (job.isPresent()) {
        requireFor(request, job.get().id(), job.get().owner(), job.get().attempt());
        requireSame(request, job.get());
        return job.get();
      }
      underWay.remove(key, first); // its own business; ours may go well
    }
    try {
      Optional<JobRecord> earlier = earlier(request);
      Job job = earlier.isPresent() ? again(request, earlier.get(), ways) : ways.start();
      mine.result().complete(job);
      if (earlier.isPresent() && earlier.get().settled()) {
        requireSame(request, job);
      }
      return job;
    } catch (RuntimeException e) {
      mine.result().completeExceptionally(e);
      throw e;
    } finally {
      underWay.remove(key, mine);
      mine.result()
          .completeExceptionally(
              new JobException.Unavailable("the start failed")); // if all else did
    }
  }

  private Optional<JobRecord> earlier(StartRequest request) {
    if (request.assignment().isPresent()) {
      JobId id = request.assignment().get().id();
      Optional<JobRecord> known = store.find(id);
      if (known.isPresent()) {
        return known;
      }
    }
    Optional<JobRecord> asked =
        request.spec().requestId().flatMap(id -> store.findByRequest(request.owner().name(), id));
    if (asked.isPresent() && request.assignment().isPresent()) {
      throw new JobException.RequestIdTaken(asked.get().id(), List.of(RequestField.ID));
    }
    return asked;
  }

  private static Job again(StartRequest request, JobRecord earlier, Ways ways) {
    requireFor(request, earlier.id(), earlier.owner(), earlier.attempt());
    if (earlier.settled()) {
      try {
        return ways.find(earlier.id());
      } catch (JobException.NoSuchJob e) {
        return ways.start(); // it has just been removed
      }
    }
    refuseIfAny(request.spec().differences(earlier.spec()), earlier.id()); // before it is started
    return ways.startRecorded(earlier);
  }

  /** An id that is known outside is known to everybody, and names one execution for ever. */
  private static void requireFor(StartRequest request, JobId id, String owner, int attempt) {
    if (!owner.equals(request.owner().name())) {
      throw new JobException.IdTaken(id, "another owner's job");
    }
    if (request.assignment().isPresent() && request.attempt() != attempt) {
      throw new JobException.IdTaken(
          id, attempt == 0 ? "a job of this service's own" : "attempt " + attempt);
    }
  }

  /** Empty if it failed, and not by anything that concerns this request. */
  private static Optional<Job> resultOf(UnderWay start, StartRequest request) {
    try {
      return Optional.of(start.result().join()); // which the launch patience bounds
    } catch (CompletionException e) {
      if (!start.isFor(request)) {
        return Optional.empty();
      }
      throw e.getCause() instanceof JobException failure ? failure : e;
    }
  }
}
