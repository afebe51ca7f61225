package io.jobworker.server.gate;

import com.google.protobuf.MessageLite;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.jobworker.core.Jobs;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.server.access.Authenticator;
import io.jobworker.server.access.Authenticator.Answer;
import io.jobworker.server.access.Caller;
import io.jobworker.server.access.Permissions;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.transport.Connection;
import java.net.SocketAddress;
import java.security.cert.X509Certificate;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Lets through only those calls whose caller is known and may make them, for every method alike:
 * who shows which certificate, which client that is, whether its role allows the method, and, where
 * the request names a job, whether it is one that the client may reach. Another's job and a missing
 * one are answered by the same words, after the same reads.
 */
public final class AccessInterceptor implements ServerInterceptor {
  /** Of a name, or several, and what it is wrapped in. */
  private static final int MAX_QUESTION_BYTES = 4 << 10;

  private final Authenticator authenticator;
  private final Jobs jobs;
  private final Audit audit;

  public AccessInterceptor(Authenticator authenticator, Jobs jobs, Audit audit) {
    this.authenticator = authenticator;
    this.jobs = jobs;
    this.audit = audit;
  }

  @Override
  public <Q, R> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, R> bareCall, Metadata headers, ServerCallHandler<Q, R> next) {
    String requestId = RequestId.of(headers);
    ServerCall<Q, R> call = RequestId.send(bareCall, requestId);
    String method = call.getMethodDescriptor().getFullMethodName();
    try {
      // Before the client is looked up: whoever disables it meanwhile finds a connection to close.
      Connection.of(call.getAttributes()).ifPresent(Connection::markUsed);
      Caller caller = identify(call, method, requestId);
      Connection.of(call.getAttributes()).ifPresent(Connection::welcome);
      Permissions.Row<?> row = Permissions.of(method).orElseThrow(() -> noRow(method));
      if (!Permissions.allows(caller.client().role(), row.access())) {
        audit.denied(caller, Optional.empty(), "role");
        throw denied("the role '" + caller.client().role() + "' may not call " + bareName(method));
      }
      CurrentCall current = new CurrentCall(caller);
      ServerCall.Listener<Q> listener =
          Contexts.interceptCall(current.in(Context.current()), call, headers, next);
      return new OwnerCheck<>(listener, call, caller, row, current);
    } catch (RuntimeException e) {
      Errors.refuse(call, e);
      return new ServerCall.Listener<>() {};
    }
  }

  private Caller identify(ServerCall<?, ?> call, String method, String requestId) {
    String peer = peer(call);
    Optional<X509Certificate> certificate =
        Connection.of(call.getAttributes()).flatMap(Connection::certificate);
    return switch (authenticator.caller(certificate, peer, method, requestId)) {
      case Answer.Allowed(Caller caller) -> caller;
      case Answer.Disabled(Caller caller) -> {
        audit.denied(caller, Optional.empty(), "client_disabled");
        throw unauthenticated(
            "CLIENT_DISABLED",
            "the client '"
                + caller.client().name()
                + "' is disabled; ask the server's administrator: job-worker-server client enable "
                + caller.client().name());
      }
      case Answer.Unknown who -> {
        audit.unknownCaller(
            who.cn(), who.certificateSerial(), peer, method, requestId, who.reason());
        throw unauthenticated(who.reason().toUpperCase(Locale.ROOT), who.message());
      }
    };
  }

  private static String peer(ServerCall<?, ?> call) {
    SocketAddress address = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    String text = String.valueOf(address);
    return text.startsWith("/") ? text.substring(1) : text;
  }

  private static String bareName(String method) {
    return method.substring(method.lastIndexOf('/') + 1);
  }

  private static StatusRuntimeException noRow(String method) {
    return Errors.status(
        "no such method: " + method, Status.Code.UNIMPLEMENTED, "NO_SUCH_METHOD", Map.of());
  }

  private static StatusRuntimeException unauthenticated(String reason, String why) {
    return Errors.status(why, Status.Code.UNAUTHENTICATED, reason, Map.of());
  }

  private static StatusRuntimeException denied(String why) {
    return Errors.status(why, Status.Code.PERMISSION_DENIED, "ROLE", Map.of());
  }

  /** Holds the request back until it is known whose job it names. */
  private final class OwnerCheck<Q, R> extends SimpleForwardingServerCallListener<Q> {
    private final ServerCall<Q, R> call;
    private final Caller caller;
    private final Permissions.Row<?> row;
    private final CurrentCall current;
    private boolean named; // by the first message, which says what all of a stream are about
    private boolean refused;

    private OwnerCheck(
        ServerCall.Listener<Q> next,
        ServerCall<Q, R> call,
        Caller caller,
        Permissions.Row<?> row,
        CurrentCall current) {
      super(next);
      this.call = call;
      this.caller = caller;
      this.row = row;
      this.current = current;
    }

    @Override
    public void onMessage(Q message) {
      if (refused) {
        return;
      }
      try {
        requireSmall(message);
        if (!named) {
          row.jobIn(message).ifPresent(this::check);
          named = true;
        }
      } catch (RuntimeException e) {
        refused = true;
        Errors.refuse(call, e);
        return;
      }
      super.onMessage(message);
    }

    /** What is asked of the service itself may be kept or sent back by those who answer it. */
    private void requireSmall(Q message) {
      if (row.access() == Permissions.Access.ASK_SERVICE
          && message instanceof MessageLite question
          && question.getSerializedSize() > MAX_QUESTION_BYTES) {
        throw Errors.status(
            "a question to the service itself is at most " + MAX_QUESTION_BYTES + " bytes",
            Status.Code.INVALID_ARGUMENT,
            "INVALID_FIELD",
            Map.of());
      }
    }

    private void check(String named) {
      JobId id =
          JobId.parse(named)
              .orElseThrow(() ->
                  new InvalidField("id", "'" + shortened(named) + "' is not a job id (a UUID)"));
      try {
        current.isAbout(
            jobs.find(id, owner -> Permissions.allows(caller.client(), row.access(), owner)));
      } catch (JobException.NoSuchJob e) {
        audit.denied(caller, Optional.of(id), e.isAnothers() ? "not_owner" : "no_such_job");
        throw e;
      }
    }

    private static String shortened(String text) {
      return text.length() <= 64 ? text : text.substring(0, 64) + "...";
    }

    @Override
    public void onHalfClose() {
      if (!refused) {
        super.onHalfClose();
      }
    }

    @Override
    public void onReady() {
      if (!refused) {
        super.onReady();
      }
    }
  }
}
