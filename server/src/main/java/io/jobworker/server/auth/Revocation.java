package io.jobworker.server.auth;

import io.jobworker.server.audit.Audit;
import io.jobworker.server.config.FileWatch;
import io.jobworker.server.transport.Connections;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import javax.net.ssl.SSLSession;

/**
 * Acts on changes of the database of clients, whoever makes them: whose certificate no longer names
 * an enabled client loses its connections, and with them its streams; and the audit hears of each.
 */
public final class Revocation implements AutoCloseable {
  private final CertificateIdentity identity;
  private final ClientRegistry clients;
  private final Connections connections;
  private final Audit audit;
  private final FileWatch watch;

  private Revocation(
      CertificateIdentity identity,
      ClientRegistry clients,
      Connections connections,
      Audit audit,
      Path database)
      throws IOException {
    this.identity = identity;
    this.clients = clients;
    this.connections = connections;
    this.audit = audit;
    watch = FileWatch.of("revocation", List.of(database), this::act);
  }

  /** Acts on what was changed before, and starts watching. The caller closes it. */
  public static Revocation start(
      CertificateIdentity identity,
      ClientRegistry clients,
      Connections connections,
      Audit audit,
      Path database)
      throws IOException {
    Revocation revocation = new Revocation(identity, clients, connections, audit, database);
    revocation.watch.start();
    revocation.act();
    return revocation;
  }

  private synchronized void act() {
    throwOut();
    clients.takeChanges(audit::clientChanged);
  }

  private void throwOut() {
    Map<String, Boolean> known = new HashMap<>();
    connections.closeWhere(connection -> {
      Optional<String> cn = cn(connection.session());
      // One that was never used ends no stream, and its next call hears why it is refused.
      return connection.isUsed()
          && cn.isPresent()
          && !known.computeIfAbsent(cn.get(), this::isWelcome);
    });
  }

  private boolean isWelcome(String cn) {
    Optional<Client> client = clients.findByCn(cn);
    return client.isPresent() && !client.get().disabled();
  }

  private Optional<String> cn(SSLSession session) {
    return AuthInterceptor.certificate(session)
        .flatMap(certificate -> identity.of(certificate).name());
  }

  @Override
  public void close() {
    watch.close();
  }
}
