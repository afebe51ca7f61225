package io.jobworker.server.gate;

import io.jobworker.server.access.Authenticator;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.ClientRegistry;
import io.jobworker.server.timing.Ticker;
import io.jobworker.server.transport.Connections;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;

/**
 * Acts on changes of the database of clients, whoever makes them: whose certificate no longer names
 * an enabled client loses its connections, and with them its streams; and the audit hears of each.
 * Whose certificate has expired loses them too, without a change.
 */
public final class Revocation {
  /** A client that is disabled loses its connections within a second. */
  private static final Duration LOOK_INTERVAL = Duration.ofMillis(500);

  private final Authenticator authenticator;
  private final ClientRegistry clients;
  private final Connections connections;
  private final Audit audit;
  private long seen; // the database's version that was acted on

  private Revocation(
      Authenticator authenticator, ClientRegistry clients, Connections connections, Audit audit) {
    this.authenticator = authenticator;
    this.clients = clients;
    this.connections = connections;
    this.audit = audit;
    this.seen = clients.version();
  }

  /**
   * Acts on what was changed before, and on each change from now on. The caller closes what it
   * returns.
   */
  public static Ticker start(
      Authenticator authenticator,
      ClientRegistry clients,
      Connections connections,
      Audit audit,
      ScheduledExecutorService timer,
      Executor workers) {
    Revocation revocation = new Revocation(authenticator, clients, connections, audit);
    revocation.act();
    Ticker looks = new Ticker("revocation", workers, revocation::look);
    looks.start(timer, LOOK_INTERVAL);
    return looks;
  }

  private void look() {
    // One that was never used ends no stream, and its next call hears why it is refused.
    connections.closeWhere(connection ->
        connection.isUsed()
            && connection.certificate().filter(authenticator::hasExpired).isPresent());
    long now = clients.version();
    if (now != seen) {
      act();
      seen = now; // not before: what fails is tried again
    }
  }

  private void act() {
    throwOut();
    if (audit.isWritable()) { // what was taken is kept nowhere else
      clients.takeChanges(audit::clientChanged);
    }
  }

  private void throwOut() {
    Map<String, Boolean> known = new HashMap<>();
    connections.closeWhere(connection -> {
      Optional<String> name = connection.certificate().flatMap(authenticator::name);
      return connection.isUsed()
          && name.isPresent()
          && !known.computeIfAbsent(name.get(), this::isWelcome);
    });
  }

  private boolean isWelcome(String name) {
    Optional<Client> client = authenticator.client(name);
    return client.isPresent() && !client.get().disabled();
  }
}
