package io.jobworker.server.transport;

import io.grpc.netty.shaded.io.netty.handler.ssl.NotSslRecordException;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslHandshakeTimeoutException;
import java.nio.channels.ClosedChannelException;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.util.Optional;

/**
 * A connection that came to nothing.
 *
 * @param peer the address that it came from
 * @param reason one of few words, as {@code docs/audit.md} lists them
 * @param detail what else is known, in one line; may be empty
 * @param certificate that which was refused, if that was why
 */
public record RefusedConnection(
    String peer, String reason, String detail, Optional<RefusedCertificate> certificate) {
  private static final int MAX_DETAIL = 200;

  static RefusedConnection of(String peer, String reason) {
    return new RefusedConnection(peer, reason, "", Optional.empty());
  }

  /** What is behind a handshake that failed with {@code failure}. */
  static RefusedConnection of(String peer, Throwable failure) {
    Optional<RefusedCertificate> certificate = Optional.empty();
    Throwable root = failure;
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      root = cause;
      if (cause instanceof RefusedCertificate refused) {
        certificate = Optional.of(refused);
      }
    }
    String reason = certificate.isPresent() ? ofCertificate(root) : ofHandshake(failure, root);
    return new RefusedConnection(peer, reason, oneLine(root.getMessage()), certificate);
  }

  private static String ofCertificate(Throwable root) {
    return switch (root) {
      case CertificateExpiredException _ -> "certificate_expired";
      case CertificateNotYetValidException _ -> "certificate_not_yet_valid";
      case CertPathValidatorException e when e.getReason() == BasicReason.REVOKED ->
          "certificate_revoked";
      case java.security.cert.CertificateRevokedException _ -> "certificate_revoked";
      default -> "certificate_refused";
    };
  }

  private static String ofHandshake(Throwable failure, Throwable root) {
    String message = String.valueOf(root.getMessage());
    return switch (failure) {
      case SslHandshakeTimeoutException _ -> "timeout";
      case ClosedChannelException _ -> "closed";
      case Throwable _ when root instanceof NotSslRecordException -> "not_tls";
      case Throwable _ when message.contains("PEER_DID_NOT_RETURN_A_CERTIFICATE") ->
          "no_certificate";
      case Throwable _ when message.contains("UNSUPPORTED_PROTOCOL") -> "protocol_version";
      default -> "handshake_failed";
    };
  }

  /** Part of it may be of the peer's own making. */
  private static String oneLine(@org.jspecify.annotations.Nullable String message) {
    String text = message == null ? "" : message.replaceAll("\\p{Cntrl}+", " ").strip();
    return text.length() <= MAX_DETAIL ? text : text.substring(0, MAX_DETAIL) + "...";
  }
}
