package io.jobworker.server.gate;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.core.job.JobException;
import io.jobworker.server.access.Caller;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.quota.ClientUse;
import io.jobworker.server.quota.Quota;
import io.jobworker.server.transport.Connection;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Lets through no more than a client may have, for every method alike: calls and streams at once,
 * starts of late. A refusal is not given at once: who asks again and again, without a pause, waits
 * for it, and takes no time from others. What is refused further inside by a quota, as a job too
 * many is, is written down here too. Comes after {@link AccessInterceptor}.
 */
public final class QuotaInterceptor implements ServerInterceptor {
  private static final String START = JobWorkerGrpc.getStartMethod().getFullMethodName();

  private static final String WAIT = JobWorkerGrpc.getWaitMethod().getFullMethodName();

  private static final long REFUSAL_MILLIS = 100;

  private final ClientUse use;
  private final Audit audit;
  private final ScheduledExecutorService timer;

  /** {@code timer} gives refusals. */
  public QuotaInterceptor(ClientUse use, Audit audit, ScheduledExecutorService timer) {
    this.use = use;
    this.audit = audit;
    this.timer = timer;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> call, Metadata headers, ServerCallHandler<Q, R> next) {
    Caller caller = CurrentCall.caller();
    ClientUse.Held held;
    try {
      held = take(call, caller);
    } catch (JobException.QuotaExceeded e) {
      audit.denied(caller, Optional.empty(), "quota " + e.quota());
      var _ = timer.schedule(() -> Errors.refuse(call, e), REFUSAL_MILLIS, TimeUnit.MILLISECONDS);
      return new ServerCall.Listener<>() {};
    }
    try {
      return new Releasing<>(held, next.startCall(new Answering<>(call, caller, held), headers));
    } catch (RuntimeException e) {
      held.release();
      throw e;
    }
  }

  private ClientUse.Held take(ServerCall<?, ?> call, Caller caller) {
    Optional<Connection> connection = Connection.of(call.getAttributes());
    Optional<RuntimeException> refusal = connection.flatMap(Connection::refusal);
    if (refusal.isPresent()) {
      throw refusal.get();
    }
    MethodDescriptor<?, ?> method = call.getMethodDescriptor();
    String client = caller.client().name();
    if (method.getFullMethodName().equals(START)) {
      use.start(client, caller.quotas());
    }
    return use.take(client, lasts(method) ? Quota.STREAMS : Quota.CALLS, caller.quotas());
  }

  /** Whether the call may be open for as long as a job runs. */
  private static boolean lasts(MethodDescriptor<?, ?> method) {
    return !method.getType().serverSendsOneMessage() || method.getFullMethodName().equals(WAIT);
  }

  /**
   * Writes down which quota the call is refused by, and counts it no longer, before it is answered:
   * whoever has the answer may call again.
   */
  private final class Answering<Q, R> extends SimpleForwardingServerCall<Q, R> {
    private final Caller caller;
    private final ClientUse.Held held;

    private Answering(ServerCall<Q, R> call, Caller caller, ClientUse.Held held) {
      super(call);
      this.caller = caller;
      this.held = held;
    }

    @Override
    public void close(Status status, Metadata trailers) {
      Errors.quota(status, trailers)
          .ifPresent(quota -> audit.denied(caller, Optional.empty(), "quota " + quota));
      held.release();
      super.close(status, trailers);
    }
  }

  /** For calls that are never answered; gRPC tells of exactly one of these ends. */
  private static final class Releasing<Q> extends SimpleForwardingServerCallListener<Q> {
    private final ClientUse.Held held;

    private Releasing(ClientUse.Held held, ServerCall.Listener<Q> next) {
      super(next);
      this.held = held;
    }

    @Override
    public void onComplete() {
      held.release();
      super.onComplete();
    }

    @Override
    public void onCancel() {
      held.release();
      super.onCancel();
    }
  }
}
