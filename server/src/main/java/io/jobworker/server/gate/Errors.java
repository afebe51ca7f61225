package io.jobworker.server.gate;

import static java.util.stream.Collectors.joining;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.job.JobException;
import java.nio.file.FileSystemException;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one place where failures become gRPC statuses. Each of ours carries a {@code
 * google.rpc.ErrorInfo} with domain {@code job-worker}, so that programs need not read the text;
 * the text is in it too.
 */
public final class Errors {
  public static final String DOMAIN = "job-worker";

  private static final String QUOTA_EXCEEDED = "QUOTA_EXCEEDED";
  private static final String QUOTA = "quota";

  /** The text for people, for whoever shows the details and not the message. */
  private static final String MESSAGE = "message";

  private static final Logger LOG = LoggerFactory.getLogger(Errors.class);

  private Errors() {}

  /** What to answer to a call of {@code method} that failed with {@code failure}. */
  public static StatusRuntimeException toStatus(Throwable failure, String method) {
    return switch (failure) {
      case JobException e -> ofJob(e);
      case InvalidField e -> invalid(e.field(), String.valueOf(e.getMessage()));
      case StatusRuntimeException e -> e;
      // The kernel's word of now: too few descriptors, a disk that does not answer.
      case LinuxException _, FileSystemException _ -> {
        String incident = logged(failure, method);
        yield status(
            "the server cannot get at what it needs now; its log has it as incident "
                + incident
                + "; try again",
            Status.Code.UNAVAILABLE,
            "UNAVAILABLE",
            Map.of("incident", incident));
      }
      default -> {
        String incident = logged(failure, method);
        yield status(
            "internal error; the server's log has it as incident " + incident,
            Status.Code.INTERNAL,
            "INTERNAL",
            Map.of("incident", incident));
      }
    };
  }

  /** As an incident, by which the log's line is found again. */
  private static String logged(Throwable failure, String method) {
    String incident = UUID.randomUUID().toString();
    LOG.atError()
        .addKeyValue("method", method)
        .addKeyValue("incident", incident)
        .setCause(failure)
        .log("rpc.failed");
    return incident;
  }

  /** Ends a call that has not been answered yet. */
  public static void refuse(ServerCall<?, ?> call, RuntimeException why) {
    StatusRuntimeException status = toStatus(why, call.getMethodDescriptor().getFullMethodName());
    Metadata trailers = status.getTrailers();
    call.close(status.getStatus(), trailers == null ? new Metadata() : trailers);
  }

  /** The quota, by its name in the configuration, that is the reason of this answer. */
  static Optional<String> quota(Status status, Metadata trailers) {
    if (status.getCode() != Status.Code.RESOURCE_EXHAUSTED) {
      return Optional.empty();
    }
    try {
      for (Any detail : StatusProto.fromStatusAndTrailers(status, trailers).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          return info.getReason().equals(QUOTA_EXCEEDED)
              ? Optional.of(info.getMetadataOrThrow(QUOTA))
              : Optional.empty();
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("an answer of our own", e);
    }
    return Optional.empty();
  }

  private static StatusRuntimeException ofJob(JobException failure) {
    return switch (failure) {
      case JobException.InvalidSpec e -> {
        String field = FieldNames.of(e.field());
        yield invalid(field, field + ": " + e.problem());
      }
      case JobException.NoSuchJob e -> status(e, Status.Code.NOT_FOUND, "NO_SUCH_JOB", Map.of());
      case JobException.RequestIdTaken e -> {
        String fields = e.differing().stream().map(FieldNames::of).collect(joining(", "));
        yield status(
            "request_id was used to start job "
                + e.job()
                + ", which differs in "
                + fields
                + "; use another one for another job",
            Status.Code.ALREADY_EXISTS,
            "REQUEST_ID_TAKEN",
            Map.of("job", e.job().toString(), "fields", fields));
      }
      case JobException.IdTaken e -> status(e, Status.Code.ALREADY_EXISTS, "ID_TAKEN", Map.of());
      case JobException.WrongState e ->
          status(e, Status.Code.FAILED_PRECONDITION, "WRONG_STATE", Map.of());
      case JobException.TakenOver e -> status(e, Status.Code.ABORTED, "TAKEN_OVER", Map.of());
      case JobException.LaunchFailed e ->
          status(
              e,
              Status.Code.FAILED_PRECONDITION,
              "LAUNCH_FAILED",
              Map.of(
                  "step", e.step(), "errno", Integer.toString(e.errno()), "subject", e.subject()));
      case JobException.QuotaExceeded e ->
          status(e, Status.Code.RESOURCE_EXHAUSTED, QUOTA_EXCEEDED, Map.of(QUOTA, e.quota()));
      case JobException.CannotEnforce e ->
          status(e, Status.Code.FAILED_PRECONDITION, "CANNOT_ENFORCE", Map.of());
      case JobException.RevisionForgotten e ->
          status(
              e.getMessage()
                  + "; list the jobs, and watch after the revision that comes with the list",
              Status.Code.OUT_OF_RANGE,
              "REVISION_FORGOTTEN",
              Map.of());
      case JobException.StateRefused e ->
          status(e, Status.Code.UNAVAILABLE, "UNAVAILABLE", Map.of());
      case JobException.Unavailable e -> {
        LOG.atWarn().setCause(e).log("rpc.unavailable");
        yield status(e, Status.Code.UNAVAILABLE, "UNAVAILABLE", Map.of());
      }
    };
  }

  private static StatusRuntimeException invalid(String field, String message) {
    return status(message, Status.Code.INVALID_ARGUMENT, "INVALID_FIELD", Map.of("field", field));
  }

  private static StatusRuntimeException status(
      JobException failure, Status.Code code, String reason, Map<String, String> metadata) {
    return status(String.valueOf(failure.getMessage()), code, reason, metadata);
  }

  /** An answer of the server's own, with details that programs read. */
  static StatusRuntimeException status(
      String message, Status.Code code, String reason, Map<String, String> metadata) {
    ErrorInfo info =
        ErrorInfo.newBuilder()
            .setReason(reason)
            .setDomain(DOMAIN)
            .putAllMetadata(metadata)
            .putMetadata(MESSAGE, message)
            .build();
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .setMessage(message)
            .addDetails(Any.pack(info))
            .build());
  }
}
