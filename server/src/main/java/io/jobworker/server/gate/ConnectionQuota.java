package io.jobworker.server.gate;

import io.jobworker.core.job.JobException;
import io.jobworker.server.access.Authenticator;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.clients.Client;
import io.jobworker.server.quota.ClientUse;
import io.jobworker.server.quota.Quota;
import io.jobworker.server.transport.Connection;
import io.jobworker.server.transport.Connections;
import io.jobworker.server.transport.RefusedConnection;
import java.util.Optional;

/** Lets no client have more connections than it may. */
public final class ConnectionQuota implements Connections.Listener {
  private final Authenticator authenticator;
  private final ClientUse use;
  private final Audit audit;

  public ConnectionQuota(Authenticator authenticator, ClientUse use, Audit audit) {
    this.authenticator = authenticator;
    this.use = use;
    this.audit = audit;
  }

  /** One by somebody who is no client is told so when it is used. */
  @Override
  public void ready(Connection connection) {
    Optional<Client> client =
        connection.certificate().flatMap(authenticator::name).flatMap(authenticator::client);
    if (client.isEmpty()) {
      connection.restrict();
      return;
    }
    try {
      ClientUse.Held held =
          use.take(client.get().name(), Quota.CONNECTIONS, authenticator.quotas(client.get()));
      connection.onClose(held::release);
    } catch (JobException.QuotaExceeded e) {
      connection.refuse(e);
    }
  }

  @Override
  public void flooded(Connection connection, String kind) {
    audit.connectionFlooded(
        connection.peer(), connection.certificate().flatMap(authenticator::name).orElse(""), kind);
  }

  @Override
  public void refused(RefusedConnection refused) {
    audit.handshakeRefused(refused);
  }
}
