package io.jobworker.cli.connect;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Status;
import io.grpc.StatusException;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Objects;
import java.util.Optional;

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

  /** Nothing that was typed or read elsewhere moves the cursor of whoever reads it. */
  public Failure {
    message = message.replaceAll("\\p{Cntrl}+", "?");
  }

  /** Says in the words that were typed what is wrong with a field of the contract. */
  @FunctionalInterface
  public interface Typed {
    /**
     * One line.
     *
     * @param field its path in the contract
     * @param problem what is wrong with it, without naming it
     */
    String say(String field, String problem);
  }

  /** For a call whose refusals name nothing that was typed. */
  public static Failure of(Throwable failure) {
    return of(failure, (field, problem) -> problem);
  }

  /** For a command line that {@code typed} knows. */
  public static Failure of(Throwable failure, Typed typed) {
    return switch (failure) {
      case RefusedException e -> e.why();
      case UsageException e -> new Failure(String.valueOf(e.getMessage()), USAGE);
      case StatusException e -> ofStatus(e.getStatus(), e, typed);
      case StatusRuntimeException e -> ofStatus(e.getStatus(), e, typed);
      case FileSystemException e -> new Failure(ofFile(e), REFUSED);
      case IOException e -> new Failure(String.valueOf(e.getMessage()), REFUSED);
      default -> new Failure("internal error: " + failure, REFUSED);
    };
  }

  /** Java's message is the file's name alone where the kind of failure says the rest. */
  private static String ofFile(FileSystemException e) {
    String why =
        switch (e) {
          case NoSuchFileException _ -> "there is no such file or directory";
          case AccessDeniedException _ -> "permission denied";
          case FileAlreadyExistsException _ -> "it is there already";
          default -> Objects.requireNonNullElse(e.getReason(), "it cannot be used");
        };
    return "cannot access " + e.getFile() + ": " + why;
  }

  private static Failure ofStatus(Status status, Throwable failure, Typed typed) {
    Optional<NotConnected> notConnected = NotConnected.in(failure);
    if (notConnected.isPresent()) {
      return new Failure(String.valueOf(notConnected.get().getMessage()), UNREACHABLE);
    }
    Optional<ErrorInfo> info = info(failure);
    String text = String.valueOf(status.getDescription());
    if (info.isEmpty()) {
      return ofTransport(status, text);
    }
    return switch (info.get().getReason()) {
      case "LAUNCH_FAILED" -> new Failure(text, launchCode(info.get()));
      case "INVALID_FIELD" -> new Failure(ofField(info.get(), text, typed), REFUSED);
      default -> new Failure(text, REFUSED);
    };
  }

  private static String ofField(ErrorInfo info, String text, Typed typed) {
    String field = info.getMetadataMap().getOrDefault("field", "");
    String prefix = field + ": ";
    return text.startsWith(prefix) ? typed.say(field, text.substring(prefix.length())) : text;
  }

  /** Of an answer that gRPC has made up, here or on the way, in words that are not ours. */
  private static Failure ofTransport(Status status, String text) {
    return switch (status.getCode()) {
      case UNAVAILABLE ->
          new Failure("cannot reach the server: it is ending or not ready; try again", UNREACHABLE);
      case RESOURCE_EXHAUSTED ->
          new Failure("the request is larger than the server takes", REFUSED);
      case UNIMPLEMENTED ->
          new Failure("the server does not know this call; is it an older version?", REFUSED);
      case DEADLINE_EXCEEDED -> new Failure("the server did not answer in time", REFUSED);
      case CANCELLED, INTERNAL, UNKNOWN, ABORTED, DATA_LOSS ->
          new Failure("the call broke off on its way; try again", REFUSED);
      default -> new Failure(text.lines().findFirst().orElse(""), REFUSED);
    };
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
    if (details == null) {
      return Optional.empty();
    }
    try {
      for (Any detail : details.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          return Optional.of(detail.unpack(ErrorInfo.class));
        }
      }
    } catch (InvalidProtocolBufferException e) {
      return Optional.empty();
    }
    return Optional.empty();
  }
}
