package io.jobworker.server.rpc;

import io.grpc.stub.StreamObserver;
import io.jobworker.server.gate.Errors;

/** A method that answers one request with one response. */
@FunctionalInterface
interface Unary<Q, R> {
  /** Handles the request, or throws what {@link Errors} knows to name. May block. */
  R handle(Q request);

  /** Answers on {@code out}, whatever happens. */
  static <Q, R> void answer(String method, Unary<Q, R> unary, Q request, StreamObserver<R> out) {
    R response;
    try {
      response = unary.handle(request);
    } catch (RuntimeException e) {
      out.onError(Errors.toStatus(e, method));
      return;
    }
    out.onNext(response);
    out.onCompleted();
  }
}
