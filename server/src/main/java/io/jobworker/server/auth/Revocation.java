package io.jobworker.server.auth;

import io.jobworker.server.config.FileWatch;
import io.jobworker.server.transport.Connections;
import java.io.IOException;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLSession;

/**
 * Throws out clients that are disabled or removed while they are connected: when the database
 * changes, whose certificate no longer names an enabled client loses its connections, and with them
 * its streams.
 */
public final class Revocation implements AutoCloseable {
  private final ClientRegistry clients;
  private final Connections connections;
  private final FileWatch watch;

  private Revocation(ClientRegistry clients, Connections connections, Path database)
      throws IOException {
    this.clients = clients;
    this.connections = connections;
    watch = FileWatch.of("revocation", List.of(database), this::throwOut);
  }

  /** Starts watching. The caller closes it. */
  public static Revocation start(ClientRegistry clients, Connections connections, Path database)
      throws IOException {
    Revocation revocation = new Revocation(clients, connections, database);
    revocation.watch.start();
    return revocation;
  }

  private void throwOut() {
    Map<String, Boolean> known = new HashMap<>();
    connections.closeWhere(session ->
        cn(session).isPresent() && !known.computeIfAbsent(cn(session).get(), this::isWelcome));
  }

  private boolean isWelcome(String cn) {
    Optional<Client> client = clients.findByCn(cn);
    return client.isPresent() && !client.get().disabled();
  }

  private static Optional<String> cn(SSLSession session) {
    return AuthInterceptor.certificate(session)
        .flatMap((X509Certificate certificate) -> CertificateIdentity.of(certificate).cn());
  }

  @Override
  public void close() {
    watch.close();
  }
}
