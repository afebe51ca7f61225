package io.jobworker.cli.connect;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;

/**
 * Gives a call that failed with its connection a cause that says why, a {@link NotConnected}. What
 * the server itself answered stays as it is.
 */
final class Explaining implements ClientInterceptor {
  private final Diagnosis diagnosis;
  private volatile boolean answered; // anything, on this connection

  Explaining(Diagnosis diagnosis) {
    this.diagnosis = diagnosis;
  }

  @Override
  public <Q, R> ClientCall<Q, R> interceptCall(
      MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
    return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
      @Override
      public void start(Listener<R> listener, Metadata headers) {
        super.start(new Watching<>(listener), headers);
      }
    };
  }

  private final class Watching<R> extends SimpleForwardingClientCallListener<R> {
    private Watching(ClientCall.Listener<R> listener) {
      super(listener);
    }

    @Override
    public void onHeaders(Metadata headers) {
      answered = true;
      super.onHeaders(headers);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      super.onClose(explained(status, trailers), trailers);
    }

    private Status explained(Status status, Metadata trailers) {
      boolean fromTransport = trailers.keys().isEmpty();
      if (!fromTransport) {
        answered = true;
      }
      boolean broken =
          status.getCode() == Status.Code.UNAVAILABLE
              // so the transport calls what it cannot read in the middle of a frame
              || (status.getCode() == Status.Code.INTERNAL && !answered);
      return fromTransport && broken
          ? Status.UNAVAILABLE.withCause(diagnosis.of(status.getCause(), answered))
          : status;
    }
  }
}
