package io.jobworker.server.access;

import io.jobworker.server.clients.CertificateIdentity;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.ClientRegistry;
import io.jobworker.server.quota.Quotas;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;

/**
 * Knows which client is behind a connection, by the certificate that it has shown. Answers, and
 * leaves what follows to whoever asked. Thread-safe.
 */
public final class Authenticator {
  private final CertificateIdentity identity;
  private final ClientRegistry clients;
  private final Quotas defaults;
  private final InstantSource clock;

  /**
   * {@code defaults} are for a client that has no quotas of its own; by {@code clock} certificates
   * expire.
   */
  public Authenticator(
      CertificateIdentity identity, ClientRegistry clients, Quotas defaults, InstantSource clock) {
    this.identity = identity;
    this.clients = clients;
    this.defaults = defaults;
    this.clock = clock;
  }

  /** Who makes a call. */
  public sealed interface Answer {
    /** A client that may call. */
    record Allowed(Caller caller) implements Answer {}

    /** A client that may call nothing now. */
    record Disabled(Caller caller) implements Answer {}

    /**
     * Nobody that is registered.
     *
     * @param cn whom the certificate names; may be empty
     * @param certificateSerial in hexadecimal; empty: no certificate was shown
     * @param reason one of few words, as {@code docs/audit.md} lists them
     * @param message the same for whoever calls
     */
    record Unknown(String cn, String certificateSerial, String reason, String message)
        implements Answer {}
  }

  /**
   * Finds out who makes a call.
   *
   * @param certificate that the connection has shown by which it comes; empty: none
   */
  public Answer caller(
      Optional<X509Certificate> certificate, String peer, String method, String requestId) {
    if (certificate.isEmpty()) {
      return new Answer.Unknown("", "", "no_certificate", "no client certificate was shown");
    }
    String serial = certificate.get().getSerialNumber().toString(16);
    CertificateIdentity.Found found = identity.of(certificate.get());
    if (found.name().isEmpty()) {
      return new Answer.Unknown(
          "",
          serial,
          found.problem(),
          "your certificate must have exactly one common name (CN); ask for another");
    }
    String cn = found.name().get();
    if (hasExpired(certificate.get())) { // since its connection began
      return new Answer.Unknown(
          cn,
          serial,
          "certificate_expired",
          "your certificate has expired, at " + end(certificate.get()) + "; ask for another");
    }
    Optional<Client> client = clients.findByCn(cn);
    if (client.isEmpty()) {
      return new Answer.Unknown(
          cn,
          serial,
          "cn_not_registered",
          "your certificate's CN '"
              + cn
              + "' is not registered with this server; ask its administrator: job-worker-server"
              + " client add");
    }
    Caller caller = new Caller(client.get(), quotas(client.get()), serial, peer, method, requestId);
    return client.get().disabled() ? new Answer.Disabled(caller) : new Answer.Allowed(caller);
  }

  /** Whether the certificate is not valid any more. */
  public boolean hasExpired(X509Certificate certificate) {
    return clock.instant().isAfter(end(certificate));
  }

  private static Instant end(X509Certificate certificate) {
    return certificate.getNotAfter().toInstant(); // RFC 5280, 4.1.2.5: inclusive
  }

  /** Whom a certificate names, a client or not. */
  public Optional<String> name(X509Certificate certificate) {
    return identity.of(certificate).name();
  }

  /** The client, disabled or not, that certificates name so. */
  public Optional<Client> client(String name) {
    return clients.findByCn(name);
  }

  /** All that the client may have. */
  public Quotas quotas(Client client) {
    return client.quotas().orElse(defaults);
  }
}
