package io.jobworker.server.tls;

import io.grpc.netty.shaded.io.netty.handler.ssl.SslContext;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.FileWatch;
import io.jobworker.server.transport.Connections;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;

/**
 * TLS as the files have it now. When they change, connections that begin from then on get the new
 * certificate and the new trust; those that are open go on, unless the client's certificate is no
 * longer accepted: it is revoked, or its authority is gone. Files that do not do leave everything
 * as it was. Thread-safe.
 */
public final class Tls implements AutoCloseable {
  /** Whoever keeps the log hears of what happens here. */
  public interface Listener {
    /** The files have changed, and hold from now on. */
    void reloaded(List<X509Certificate> inUse);

    /** The files have changed, and cannot be used. */
    void reloadFailed(String why);
  }

  private final TlsFiles files;
  private final Connections connections;
  private final Listener listener;
  private final FileWatch watch;
  private TlsFiles.Contents contents; // of the watch's thread
  private volatile TlsIdentity identity;

  private Tls(TlsFiles files, Connections connections, Listener listener) throws IOException {
    this.files = files;
    this.connections = connections;
    this.listener = listener;
    contents = files.read();
    identity = TlsIdentity.of(files, contents);
    watch = FileWatch.of("tls-files", files.all(), this::reload);
  }

  /**
   * Loads the files and watches them. The caller closes it.
   *
   * @throws ConfigException if they do not do
   */
  public static Tls open(TlsFiles files, Connections connections, Listener listener)
      throws IOException {
    Tls tls = new Tls(files, connections, listener);
    tls.watch.start();
    return tls;
  }

  private void reload() {
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

  /** For the server's connections; it follows the files. */
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

  @Override
  public void close() {
    watch.close();
  }
}
