package io.jobworker.server.rpc;

import com.google.protobuf.ByteString;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.InputRequest;
import io.jobworker.api.v1.InputResponse;
import io.jobworker.core.Job;
import io.jobworker.core.JobInput;
import io.jobworker.core.JobInput.Progress;
import io.jobworker.core.JobInput.State;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.server.access.Caller;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.Errors;
import io.jobworker.server.gate.InvalidField;
import java.util.Locale;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * {@code Input}: a job's stdin, while it runs.
 *
 * <p>Event-driven: a message is handed on when it comes, and an answer given when the job has taken
 * something; no thread is held in between. What a client may send is bounded by what its job has
 * taken, so that a job that never reads keeps neither this process nor the client's connection
 * busy; a client that goes beyond is refused. A client that does not read its answers gets the
 * newest one when it does.
 */
record InputMethod(Audit audit) {
  StreamObserver<InputRequest> handle(StreamObserver<InputResponse> out) {
    return new Call(audit, (ServerCallStreamObserver<InputResponse>) out, CurrentCall.caller());
  }

  /** One call. What comes from the client and from the job is handled one after the other. */
  private static final class Call implements StreamObserver<InputRequest>, JobInput.Listener {
    private final Audit audit;
    private final ServerCallStreamObserver<InputResponse> out;
    private final Caller caller;

    /** What is to be handled; whoever makes the count 1 does it. */
    private final Queue<Runnable> events = new ConcurrentLinkedQueue<>();

    private final AtomicInteger waiting = new AtomicInteger();

    // Confined to events.
    private @Nullable JobId job;
    private @Nullable JobInput input;
    private long first; // what the client has from here on
    private @Nullable Progress progress; // the newest
    private long began; // what was taken before this call
    private long next; // of the bytes that come
    private boolean endSent;
    private boolean untold;
    private boolean closed;

    private Call(Audit audit, ServerCallStreamObserver<InputResponse> out, Caller caller) {
      this.audit = audit;
      this.out = out;
      this.caller = caller;
      out.disableAutoRequest();
      out.setOnReadyHandler(() -> handle(this::tell));
      out.setOnCancelHandler(() -> handle(() -> close("cancelled")));
      out.setOnCloseHandler(() -> handle(() -> close("failed"))); // if it was not we who ended it
      out.request(1);
    }

    private void handle(Runnable event) {
      events.add(event);
      if (waiting.getAndIncrement() != 0) {
        return;
      }
      do {
        try {
          events.remove().run();
        } catch (RuntimeException e) {
          fail("failed", e); // of a call that is over: nothing more
        }
      } while (waiting.decrementAndGet() != 0);
    }

    // --- from the client

    /**
     * The first is handled where it comes, for nobody else has an event yet; later ones may not.
     */
    @Override
    public void onNext(InputRequest request) {
      handle(() -> {
        if (closed) {
          return;
        }
        try {
          if (input == null) {
            input = open(request);
          } else {
            write(request, input);
          }
          out.request(1);
        } catch (RuntimeException e) {
          fail("failed", e);
        }
      });
    }

    /** May wait for a job that is still being taken up. */
    private JobInput open(InputRequest request) {
      if (request.getOffset() < 0) {
        throw new InvalidField("offset", "must not be negative");
      }
      if (!request.getData().isEmpty() || request.getEnd()) {
        throw tooEarly();
      }
      Job found = CurrentCall.job();
      job = found.id();
      first = request.getOffset();
      JobInput opened = found.input(this);
      audit.inputOpened(caller, found.id());
      return opened;
    }

    private static InvalidField tooEarly() {
      return new InvalidField(
          "data", "wait for the answer, which says where to go on, before you send any");
    }

    private void write(InputRequest request, JobInput to) {
      if (!request.getId().isEmpty()) {
        throw new InvalidField("id", "stands in the first message only");
      }
      if (progress == null) {
        throw tooEarly();
      }
      if (endSent) {
        throw new InvalidField("data", "comes after the end");
      }
      if (request.getOffset() != next) {
        throw new InvalidField(
            "offset", "the bytes go on at " + next + ", not at " + request.getOffset());
      }
      ByteString data = request.getData();
      if (data.size() > progress.limit() - next) {
        throw new InvalidField("data", "goes beyond the limit, which is " + progress.limit());
      }
      if (!data.isEmpty()) {
        to.write(next, data.asReadOnlyByteBuffer());
        next += data.size();
      }
      if (request.getEnd()) {
        endSent = true;
        to.end(next);
      }
    }

    /** The client sends no more; that alone is no end of the job's stdin. */
    @Override
    public void onCompleted() {
      handle(() -> {
        if (!endSent && !closed) {
          close("left");
          out.onCompleted();
        }
      });
    }

    @Override
    public void onError(Throwable gone) {
      handle(() -> close("cancelled"));
    }

    // --- from the job

    @Override
    public void progress(Progress now) {
      handle(() -> moved(now));
    }

    private void moved(Progress now) {
      if (closed) {
        return;
      }
      if (progress == null) {
        if (first > now.taken() && now.state() == State.OPEN) {
          fail(
              "failed",
              new InvalidField(
                  "offset",
                  "the job has taken %d bytes, and the client has those from %d on"
                      .formatted(now.taken(), first)));
          return;
        }
        next = now.taken();
        began = now.taken();
      }
      progress = now;
      untold = true;
      if (now.state() == State.OPEN) {
        tell();
        return;
      }
      close(now.state().name().toLowerCase(Locale.ROOT));
      out.onNext(Wire.input(now));
      out.onCompleted();
    }

    /** The newest, to a client that takes it. */
    private void tell() {
      if (!closed && untold && progress != null && out.isReady()) {
        untold = false;
        out.onNext(Wire.input(progress));
      }
    }

    @Override
    public void lost(JobException why) {
      handle(() -> fail(why instanceof JobException.TakenOver ? "taken_over" : "failed", why));
    }

    // --- the end

    private void fail(String outcome, RuntimeException why) {
      if (!closed) {
        close(outcome);
        StatusRuntimeException status = Errors.toStatus(why, "Input");
        try {
          out.onError(status);
        } catch (IllegalStateException e) {
          // the call is over already: something before us has refused a message of it
        }
      }
    }

    private void close(String outcome) {
      if (closed) {
        return;
      }
      closed = true;
      if (input != null && job != null) {
        input.close();
        audit.inputClosed(caller, job, outcome, progress == null ? 0 : progress.taken() - began);
      }
    }
  }
}
