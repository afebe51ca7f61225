package io.jobworker.server.auth;

import io.jobworker.server.transport.Connections;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Throws out clients that are disabled or removed while they are connected: when the database
 * changes, whose certificate no longer names an enabled client loses its connections, and with them
 * its streams. Woken by the file system (inotify(7)).
 */
public final class Revocation implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Revocation.class);

  /**
   * SQLite writes the file first and publishes the change in shared memory next, of which the file
   * system tells nobody: so we look once more, this long after.
   */
  private static final long SETTLE_MILLIS = 200;

  private final ClientRegistry clients;
  private final Connections connections;
  private final String database;
  private final WatchService watch;
  private final Thread thread;

  private Revocation(ClientRegistry clients, Connections connections, Path database)
      throws IOException {
    this.clients = clients;
    this.connections = connections;
    this.database = String.valueOf(database.getFileName());
    Path directory = database.toAbsolutePath().getParent();
    if (directory == null) {
      throw new IOException(database + " has no directory");
    }
    watch = directory.getFileSystem().newWatchService();
    directory.register(
        watch, StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY);
    thread = Thread.ofPlatform().name("revocation").daemon().unstarted(this::run);
  }

  /** Starts watching. The caller closes it. */
  public static Revocation start(ClientRegistry clients, Connections connections, Path database)
      throws IOException {
    Revocation revocation = new Revocation(clients, connections, database);
    revocation.thread.start();
    return revocation;
  }

  private void run() {
    try {
      while (true) {
        if (concernsDatabase(watch.take())) {
          throwOut();
          for (WatchKey key; (key = watch.poll(SETTLE_MILLIS, TimeUnit.MILLISECONDS)) != null; ) {
            concernsDatabase(key); // more of the same change
          }
          throwOut();
        }
      }
    } catch (InterruptedException | ClosedWatchServiceException e) {
      // closed
    }
  }

  private boolean concernsDatabase(WatchKey key) {
    boolean concerns =
        key.pollEvents().stream()
            .anyMatch(event ->
                event.kind().equals(StandardWatchEventKinds.OVERFLOW)
                    || String.valueOf(event.context()).startsWith(database));
    key.reset();
    return concerns;
  }

  private void throwOut() {
    Map<String, Boolean> known = new HashMap<>();
    try {
      connections.closeWhere(session ->
          cn(session).isPresent() && !known.computeIfAbsent(cn(session).get(), this::isWelcome));
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("revocation.failed");
    }
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
    try {
      watch.close();
      thread.join();
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("revocation.not_closed");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
