package io.jobworker.server.tls;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.FileChanges;
import io.jobworker.server.timing.Ticker;
import io.jobworker.server.transport.Connections;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;

/**
 * TLS as the files have it now. When they change, connections that begin from then on get the new
 * certificate and the new trust; those that are open go on, unless the client's certificate is no
 * longer accepted: it is revoked, or its authority is gone. Unusable files change nothing.
 * Thread-safe.
 */
public final class Tls implements Connections.Security {
  /** A change is told after two looks: the new files hold within a second. */
  private static final Duration LOOK_INTERVAL = Duration.ofMillis(500);

  /** Whoever keeps the log hears of what happens here. */
  public interface Listener {
    /** The files have changed, and hold from now on. */
    void reloaded(List<X509Certificate> inUse);

    /** The files have changed, and cannot be used. */
    void reloadFailed(String why);
  }

  private final TlsFiles files;
  private final Listener listener;
  private final FileChanges changes;
  private TlsFiles.Contents contents; // used by one look after the other
  private volatile TlsIdentity identity;

  private Tls(TlsFiles files, Listener listener) {
    this.files = files;
    this.listener = listener;
    changes = new FileChanges(files.all()); // before they are read: a change since then counts
    contents = files.read();
    identity = TlsIdentity.of(files, contents);
  }

  /**
   * Loads the files. Whoever wants their changes to hold follows them.
   *
   * @throws ConfigException if they cannot be used
   */
  public static Tls load(TlsFiles files, Listener listener) {
    return new Tls(files, listener);
  }

  /**
   * Has changes of the files hold from now on, and closes those of {@code connections} that are not
   * accepted any more. To be called once; the caller closes what it returns.
   */
  public Ticker follow(Connections connections, ScheduledExecutorService timer, Executor workers) {
    Ticker looks = new Ticker("tls-files", workers, () -> look(connections));
    looks.start(timer, LOOK_INTERVAL);
    return looks;
  }

  private void look(Connections connections) {
    if (!changes.look()) {
      return;
    }
    try {
      TlsFiles.Contents now = files.read();
      if (now.equals(contents)) {
        return;
      }
      contents = now;
      identity = TlsIdentity.of(files, now);
      listener.reloaded(certificates());
      connections.closeWhere(connection -> !identity.accepts(connection.session()));
    } catch (ConfigException e) {
      listener.reloadFailed(String.valueOf(e.getMessage()));
    }
  }

  /** It follows the files. */
  @Override
  public SslContext context() {
    return new CurrentSslContext(() -> identity.context());
  }

  /** The certificates in use: the server's own first, then what leads to the trust in it. */
  public List<X509Certificate> certificates() {
    return java.util.stream.Stream.concat(
            identity.chain().stream(), identity.authorities().stream())
        .distinct()
        .toList();
  }
}
