package io.jobworker.cli.connect;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.Deadline;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.base.net.HostAndPort;
import io.jobworker.cli.connect.NotConnected.Kind;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Gives up on an answer that takes longer than a caller would wait. What goes on until something
 * happens is no answer, and is not bounded.
 */
final class Deadlines implements ClientInterceptor {
  private final HostAndPort server;
  private final Duration time;
  private final String typed;

  /** {@code typed} is what the time was called. */
  Deadlines(HostAndPort server, Duration time, String typed) {
    this.server = server;
    this.time = time;
    this.typed = typed;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    if (method.getType() != MethodType.UNARY || method.equals(JobWorkerGrpc.getWaitMethod())) {
      return next.newCall(method, options);
    }
    Deadline own = Deadline.after(time.toNanos(), TimeUnit.NANOSECONDS);
    Deadline first = Optional.ofNullable(options.getDeadline()).map(own::minimum).orElse(own);
    return new SimpleForwardingClientCall<>(next.newCall(method, options.withDeadline(first))) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        super.start(
            new SimpleForwardingClientCallListener<>(listener) {
              @Override
              public void onClose(Status status, Metadata trailers) {
                boolean late = status.getCode() == Status.Code.DEADLINE_EXCEEDED;
                super.onClose(late ? status.withCause(late(method)) : status, trailers);
              }
            },
            headers);
      }
    };
  }

  private NotConnected late(MethodDescriptor<?, ?> method) {
    boolean starts = method.equals(JobWorkerGrpc.getStartMethod());
    return new NotConnected(
        Kind.AWAY,
        "no answer from "
            + server
            + " within "
            + typed
            + (starts ? "; the job may have been started: job-worker ls" : " (--deadline)"),
        null);
  }
}
