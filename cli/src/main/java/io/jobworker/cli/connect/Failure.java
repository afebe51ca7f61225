package io.jobworker.cli.connect;

import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.util.Optional;
import javax.net.ssl.SSLException;

/**
 * What went wrong, in one line, and the exit code for it. The one place where failures become exit
 * codes.
 */
public record Failure(String message, int exitCode) {
  private static final int REFUSED = 1;
  private static final int USAGE = 2;
  private static final int UNREACHABLE = 125;
  private static final int CANNOT_EXECUTE = 126;
  private static final int NOT_FOUND = 127;
  private static final String ENOENT = "2";

  public static Failure of(Throwable failure) {
    return switch (failure) {
      case RefusedException e -> e.why();
      case UsageException e -> new Failure(String.valueOf(e.getMessage()), USAGE);
      case StatusException e -> ofStatus(e.getStatus(), e);
      case StatusRuntimeException e -> ofStatus(e.getStatus(), e);
      case IOException e -> new Failure(String.valueOf(e.getMessage()), REFUSED);
      default -> new Failure("internal error: " + failure, REFUSED);
    };
  }

  private static Failure ofStatus(Status status, Throwable failure) {
    Optional<ErrorInfo> info = info(failure);
    String text =
        status.getDescription() == null ? status.getCode().name() : status.getDescription();
    if (status.getCode() == Status.Code.UNAVAILABLE && info.isEmpty()) {
      return new Failure(unreachable(status), UNREACHABLE);
    }
    if (info.isPresent() && info.get().getReason().equals("LAUNCH_FAILED")) {
      return new Failure(text, launchCode(info.get()));
    }
    return new Failure(text, REFUSED);
  }

  /** Whether the server itself said what was wrong, and not the transport. */
  static boolean hasReason(Throwable failure) {
    return info(failure).isPresent();
  }

  private static int launchCode(ErrorInfo info) {
    if (!"exec".equals(info.getMetadataMap().get("step"))) {
      return REFUSED;
    }
    return ENOENT.equals(info.getMetadataMap().get("errno")) ? NOT_FOUND : CANNOT_EXECUTE;
  }

  private static Optional<ErrorInfo> info(Throwable failure) {
    com.google.rpc.Status details = StatusProto.fromThrowable(failure);
    if (details != null
        && details.getDetailsCount() > 0
        && details.getDetails(0).is(ErrorInfo.class)) {
      try {
        return Optional.of(details.getDetails(0).unpack(ErrorInfo.class));
      } catch (com.google.protobuf.InvalidProtocolBufferException e) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  private static String unreachable(Status status) {
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof SSLException) {
        return "TLS failed: "
            + oneLine(cause.getMessage())
            + "; check that the configuration's certificates belong to this server";
      }
      if (cause instanceof IOException && cause.getCause() == null) {
        return "cannot reach the server: "
            + oneLine(cause.getMessage())
            + "; check that it runs, and its address";
      }
    }
    return "cannot reach the server: "
        + oneLine(status.getDescription())
        + "; check that it runs, and its address";
  }

  private static String oneLine(@org.jspecify.annotations.Nullable String text) {
    return text == null ? "no reason given" : text.lines().findFirst().orElse("");
  }
}
