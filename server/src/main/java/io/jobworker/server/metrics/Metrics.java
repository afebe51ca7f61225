package io.jobworker.server.metrics;

import io.jobworker.core.Jobs;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.tls.Tls;
import io.jobworker.server.transport.Connections;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.exporter.httpserver.HTTPServer;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.security.cert.X509Certificate;

/**
 * The server's figures, as Prometheus reads them, over plain HTTP: to be bound to an address that
 * only its reader can reach. They name no job and no argument.
 */
public final class Metrics implements AutoCloseable {
  private final HTTPServer http;

  private Metrics(HTTPServer http) {
    this.http = http;
  }

  /**
   * Serves them at {@code address}. The caller closes it.
   *
   * @throws ConfigException if the address cannot be used
   */
  public static Metrics serve(
      InetSocketAddress address, Tls tls, Connections connections, Audit audit, Jobs jobs) {
    PrometheusRegistry registry = new PrometheusRegistry();
    GaugeWithCallback.builder()
        .name("job_worker_certificate_expiry_timestamp_seconds")
        .help("When a certificate that the server uses ends.")
        .labelNames("subject", "serial")
        .callback(gauge -> {
          for (X509Certificate certificate : tls.certificates()) {
            gauge.call(
                (double) certificate.getNotAfter().toInstant().getEpochSecond(),
                certificate.getSubjectX500Principal().getName(),
                certificate.getSerialNumber().toString(16));
          }
        })
        .register(registry);
    GaugeWithCallback.builder()
        .name("job_worker_connections")
        .help("Connections that are open, handshakes and all.")
        .callback(gauge -> gauge.call(connections.count()))
        .register(registry);
    GaugeWithCallback.builder()
        .name("job_worker_stuck_captures")
        .help("Running jobs that keep their own output from being read.")
        .callback(gauge -> gauge.call((double) jobs.stuckCaptures()))
        .register(registry);
    CounterWithCallback.builder()
        .name("job_worker_audit_events_total")
        .help("Events of the audit log, written or left out.")
        .labelNames("event", "outcome")
        .callback(counter ->
            audit
                .counts()
                .forEach(
                    (kind, count) -> counter.call((double) count, kind.event(), kind.outcome())))
        .register(registry);
    try {
      requireFree(address);
      return new Metrics(
          HTTPServer.builder()
              .inetAddress(address.getAddress())
              .port(address.getPort())
              .registry(registry)
              .buildAndStart());
    } catch (IOException e) {
      throw new ConfigException(
          "metrics.listen: cannot listen on " + address + ": " + e.getMessage());
    }
  }

  /** The JDK's HTTP server leaves a socket that it cannot bind to the garbage collector. */
  private static void requireFree(InetSocketAddress address) throws IOException {
    new ServerSocket(address.getPort(), 1, address.getAddress()).close();
  }

  @Override
  public void close() {
    http.close();
  }
}
