package io.jobworker.cli.connect;

import io.jobworker.base.net.HostAndPort;
import io.jobworker.cli.connect.NotConnected.Kind;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.SocketFactory;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Says why there is no connection to the server. In TLS 1.3 a client's handshake is done before the
 * server has looked at its certificate, and gRPC's transport swallows the alert that follows: when
 * it broke without a word, one more handshake is made to hear it.
 */
final class Diagnosis {
  /** RFC 8446, 6: the JDK has an alert's name in its message only. */
  private static final Pattern ALERT = Pattern.compile("fatal alert: ([a-z_]+)");

  private final HostAndPort server;
  private final Identity identity;
  private final List<X509Certificate> authorities;
  private final SocketFactory dialing;
  private final SSLSocketFactory tls;
  private final int patienceMillis;

  /** {@code patience} is for one more handshake; {@code authorities} are those of servers. */
  Diagnosis(
      HostAndPort server,
      Identity identity,
      List<X509Certificate> authorities,
      SocketFactory dialing,
      SSLSocketFactory tls,
      Duration patience) {
    this.patienceMillis = Math.toIntExact(patience.toMillis());
    this.server = server;
    this.identity = identity;
    this.authorities = authorities;
    this.dialing = dialing;
    this.tls = tls;
  }

  /**
   * What to say of a connection that failed.
   *
   * @param cause as the transport has it; null: it has none
   * @param answered whether the server had answered anything on it
   */
  NotConnected of(@Nullable Throwable cause, boolean answered) {
    if (answered) {
      return lost("the connection broke", cause);
    }
    return direct(cause).or(this::heard).orElseGet(() -> lost("it closed the connection", cause));
  }

  /** What the failure itself tells. */
  private Optional<NotConnected> direct(@Nullable Throwable failure) {
    Optional<NotConnected> distrust =
        Causes.find(failure, ServerTrust.NotTrusted.class)
            .map(e -> refused(String.valueOf(e.getMessage()), e));
    if (distrust.isPresent()) {
      return distrust;
    }
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      Optional<NotConnected> told =
          switch (cause) {
            case UnknownHostException e ->
                Optional.of(
                    new NotConnected(
                        Kind.AWAY,
                        "cannot reach the server: there is no host '"
                            + server.host()
                            + "'; check the address",
                        e));
            case SocketTimeoutException e -> Optional.of(away("it does not answer", e));
            case ConnectException e -> Optional.of(away(plain(e), e));
            case NoRouteToHostException e -> Optional.of(away(plain(e), e));
            case SSLException e -> Optional.of(ofTls(e));
            default -> Optional.empty();
          };
      if (told.isPresent()) {
        return told;
      }
    }
    return Optional.empty();
  }

  private NotConnected ofTls(SSLException failure) {
    Matcher alert = ALERT.matcher(String.valueOf(failure.getMessage()));
    if (alert.find()) {
      return ofAlert(alert.group(1), failure);
    }
    if (Causes.find(failure, SocketTimeoutException.class).isPresent()) {
      return away("it does not answer", failure);
    }
    if (Causes.find(failure, EOFException.class).isPresent()
        || Causes.find(failure, SocketException.class).isPresent()) {
      return away("it hung up during the handshake", failure);
    }
    return refused(
        "what answers at "
            + server
            + " is no job-worker server: it does not speak TLS 1.3; check"
            + " the address",
        failure);
  }

  /** The server has ended the handshake, and says why. */
  private NotConnected ofAlert(String alert, SSLException failure) {
    Optional<String> fault = identity.fault(Instant.now());
    if (fault.isPresent()) {
      return refused(fault.get(), failure);
    }
    Instant ends = identity.certificate().getNotAfter().toInstant();
    String ours =
        "your certificate ("
            + Certificates.commonName(identity.certificate().getSubjectX500Principal())
                .map(cn -> "CN " + cn + ", ")
                .orElse("")
            + "in "
            + identity.origin()
            + ")";
    boolean foreign =
        authorities.stream()
            .noneMatch(authority -> ServerTrust.issued(authority, identity.certificate()));
    return refused(
        switch (foreign && alert.startsWith("certificate_") ? "unknown_ca" : alert) {
          case "certificate_expired" ->
              "the server takes "
                  + ours
                  + " for expired, which holds until "
                  + Certificates.day(ends)
                  + "; compare its clock with this machine's";
          case "certificate_revoked" -> ours + " was revoked; " + identity.renewal();
          case "unknown_ca" ->
              "the server does not know the authority of "
                  + ours
                  + ", '"
                  + Certificates.commonName(identity.certificate().getIssuerX500Principal())
                      .orElse("no name")
                  + "'; check the address, or "
                  + identity.renewal();
          case "protocol_version", "handshake_failure", "no_application_protocol" ->
              "what answers at "
                  + server
                  + " is no job-worker server: it does not speak TLS 1.3; check the address";
          default -> "the server refuses " + ours + "; check the address, or " + identity.renewal();
        },
        failure);
  }

  /** What the server says to a handshake that is followed by nothing. */
  private Optional<NotConnected> heard() {
    try (Socket connected = dialing.createSocket(server.host(), server.port())) {
      connected.setSoTimeout(patienceMillis);
      return heard(connected);
    } catch (IOException e) {
      return Optional.empty(); // what broke first is what counts
    }
  }

  private Optional<NotConnected> heard(Socket connected) {
    try (SSLSocket socket =
        (SSLSocket) tls.createSocket(connected, server.host(), server.port(), true)) {
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"h2"});
      socket.setSSLParameters(parameters);
      socket.startHandshake();
      boolean letsUsIn = socket.getInputStream().read() >= 0; // its settings (RFC 9113, 3.4)
      return letsUsIn ? Optional.empty() : ofOurs(null);
    } catch (SSLException e) {
      return direct(e).filter(told -> told.kind() == Kind.REFUSED).or(() -> ofOurs(e));
    } catch (IOException e) {
      return ofOurs(e);
    }
  }

  /** It hangs up without a word: if something is wrong with what we show, that will be why. */
  private Optional<NotConnected> ofOurs(@Nullable Throwable failure) {
    return identity.fault(Instant.now()).map(fault -> refused(fault, failure));
  }

  private static NotConnected refused(String message, @Nullable Throwable cause) {
    return new NotConnected(Kind.REFUSED, message, cause);
  }

  private NotConnected away(String why, Throwable cause) {
    return new NotConnected(
        Kind.AWAY,
        "cannot reach the server at "
            + server
            + ": "
            + why
            + "; check that it runs, and the address",
        cause);
  }

  private NotConnected lost(String why, @Nullable Throwable cause) {
    return new NotConnected(
        Kind.LOST, "cannot reach the server at " + server + ": " + why + "; try again", cause);
  }

  /** As the kernel has it, which the JDK may have said something about in brackets. */
  private static String plain(Exception failure) {
    String message = String.valueOf(failure.getMessage()).replaceAll(" *\\(.*", "");
    return message.lines().findFirst().orElse("").strip();
  }
}
