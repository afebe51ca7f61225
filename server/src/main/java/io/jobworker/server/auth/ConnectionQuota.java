package io.jobworker.server.auth;

import io.jobworker.core.JobException;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.quota.ClientUse;
import io.jobworker.server.quota.Quota;
import io.jobworker.server.quota.Quotas;
import io.jobworker.server.transport.Connection;
import io.jobworker.server.transport.Connections;
import io.jobworker.server.transport.RefusedConnection;
import java.util.Optional;

/** Lets no client have more connections than it may. */
public final class ConnectionQuota implements Connections.Listener {
  private final CertificateIdentity identity;
  private final ClientRegistry clients;
  private final Quotas defaults;
  private final ClientUse use;
  private final Audit audit;

  public ConnectionQuota(
      CertificateIdentity identity,
      ClientRegistry clients,
      Quotas defaults,
      ClientUse use,
      Audit audit) {
    this.identity = identity;
    this.clients = clients;
    this.defaults = defaults;
    this.use = use;
    this.audit = audit;
  }

  /** One by somebody who is no client is told so when it is used. */
  @Override
  public void ready(Connection connection) {
    Optional<Client> client =
        AuthInterceptor.certificate(connection.session())
            .flatMap(certificate -> identity.of(certificate).name())
            .flatMap(clients::findByCn);
    if (client.isEmpty()) {
      return;
    }
    try {
      ClientUse.Held held =
          use.take(client.get().name(), Quota.CONNECTIONS, client.get().quotas().orElse(defaults));
      connection.onClose(held::release);
    } catch (JobException.QuotaExceeded e) {
      connection.refuse(e);
    }
  }

  @Override
  public void refused(RefusedConnection refused) {
    audit.handshakeRefused(refused);
  }
}
