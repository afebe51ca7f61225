package io.jobworker.server.gate;

import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * The id of one call, by which its caller and the audit log speak of it: the caller's own in the
 * header {@code request-id}, or else a new one; it goes back in the trailer of that name.
 */
final class RequestId {
  private static final Metadata.Key<String> KEY =
      Metadata.Key.of("request-id", Metadata.ASCII_STRING_MARSHALLER);

  private static final Pattern SYNTAX = Pattern.compile("[A-Za-z0-9._-]{1,64}");

  private RequestId() {}

  static String of(Metadata headers) {
    String given = headers.get(KEY);
    return given != null && SYNTAX.matcher(given).matches() ? given : UUID.randomUUID().toString();
  }

  /** The call, with its id in its trailers. */
  static <Q, R> ServerCall<Q, R> send(ServerCall<Q, R> call, String id) {
    return new SimpleForwardingServerCall<>(call) {
      @Override
      public void close(Status status, Metadata trailers) {
        trailers.discardAll(KEY);
        trailers.put(KEY, id);
        super.close(status, trailers);
      }
    };
  }
}
