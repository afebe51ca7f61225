package io.jobworker.server.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.WatchRequest;
import io.jobworker.core.JobChanges;
import io.jobworker.core.Jobs;
import io.jobworker.core.Registration;
import io.jobworker.core.job.JobChange;
import io.jobworker.core.job.JobFilter;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.Errors;
import io.jobworker.server.gate.InvalidField;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * {@code Watch}: every change of the jobs that the caller may see, from a revision on. Nothing is
 * queued for a client and no thread is held: when there is more, or the client has taken what was
 * sent, the changes after the last one that it was sent are looked up (docs/adr/0026).
 */
final class WatchMethod {
  private static final int BATCH = 100;

  private final Jobs jobs;
  private final Executor workers;

  /** {@code workers} may block. */
  WatchMethod(Jobs jobs, Executor workers) {
    this.jobs = jobs;
    this.workers = workers;
  }

  void handle(WatchRequest request, StreamObserver<JobStatusResponse> out) {
    try {
      Optional<String> owner = ListMethod.owner(request.getOwner(), CurrentCall.caller().client());
      JobFilter filter = JobFilter.ALL.withLabels(request.getLabelsMap());
      filter.requireValid();
      if (request.getAfterRevision() < 0) { // protobuf's uint64 beyond 2^63
        throw new InvalidField("after_revision", "too large");
      }
      JobChanges changes = jobs.changes();
      long after = request.hasAfterRevision() ? request.getAfterRevision() : changes.newest();
      new Stream(
              changes,
              owner,
              filter,
              request.getBookmarks(),
              after,
              (ServerCallStreamObserver<JobStatusResponse>) out)
          .start();
    } catch (RuntimeException e) {
      out.onError(Errors.toStatus(e, "Watch"));
    }
  }

  /** One stream. Everything but {@link #signal} and {@link #cancel} runs under the work counter. */
  private final class Stream {
    private final JobChanges changes;
    private final Optional<String> owner;
    private final JobFilter filter;
    private final boolean bookmarks;
    private final ServerCallStreamObserver<JobStatusResponse> out;

    /** How many signals have come since the last look; whoever makes it 1 has one made. */
    private final AtomicInteger work = new AtomicInteger();

    private volatile Registration registration = () -> {};
    private volatile boolean cancelled;
    private boolean closed;
    private long seen; // the revision up to which all is sent or passed over
    private long told; // the last one that the client has heard of

    private Stream(
        JobChanges changes,
        Optional<String> owner,
        JobFilter filter,
        boolean bookmarks,
        long after,
        ServerCallStreamObserver<JobStatusResponse> out) {
      this.changes = changes;
      this.owner = owner;
      this.filter = filter;
      this.bookmarks = bookmarks;
      this.seen = after;
      this.told = -1;
      this.out = out;
    }

    private void start() {
      out.setOnCancelHandler(this::cancel);
      out.setOnReadyHandler(this::signal);
      registration = changes.onMore(owner, this::signal);
      signal();
    }

    private void cancel() {
      cancelled = true;
      registration.close();
    }

    private void signal() {
      if (work.getAndIncrement() == 0) {
        try {
          workers.execute(this::look);
        } catch (RejectedExecutionException e) {
          // the server is going, and its streams with it
        }
      }
    }

    private void look() {
      int signals = 1;
      do {
        move();
        signals = work.addAndGet(-signals);
      } while (signals != 0);
    }

    private void move() {
      try {
        while (!closed && !cancelled && out.isReady()) {
          List<JobChange> batch = changes.after(seen, owner, BATCH);
          for (JobChange change : batch) {
            seen = change.revision();
            if (filter.matches(change.status())) {
              send(Wire.change(change));
            }
          }
          if (batch.isEmpty()) {
            if (bookmarks && told != seen) {
              send(JobStatusResponse.newBuilder().setRevision(seen).build());
            }
            return;
          }
        }
      } catch (RuntimeException e) {
        closed = true;
        registration.close();
        out.onError(Errors.toStatus(e, "Watch"));
      }
    }

    private void send(JobStatusResponse message) {
      out.onNext(message);
      told = seen;
    }
  }
}
