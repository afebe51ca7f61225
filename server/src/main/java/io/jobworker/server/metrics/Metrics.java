package io.jobworker.server.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.jobworker.core.Jobs;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.tls.Tls;
import io.jobworker.server.transport.Connections;
import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.exporter.httpserver.MetricsHandler;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * The server's figures, as Prometheus reads them, over plain HTTP: to be bound to an address that
 * only its reader can reach. They name no job and no argument.
 */
public final class Metrics implements AutoCloseable {
  private static final String PATH = "/metrics";
  private static final Set<String> METHODS = Set.of("GET", "HEAD");
  private static final int MAX_SCRAPES = 4; // at once; further ones wait

  /**
   * In seconds, by the JDK's own properties: without them a request sent in part holds a thread.
   */
  private static final Map<String, String> PATIENCE =
      Map.of("sun.net.httpserver.maxReqTime", "60", "sun.net.httpserver.maxRspTime", "600");

  private final HttpServer http;
  private final ExecutorService scrapes;

  private Metrics(HttpServer http, ExecutorService scrapes) {
    this.http = http;
    this.scrapes = scrapes;
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
    GaugeWithCallback.builder()
        .name("job_worker_unfinished")
        .help("Ends, removals and the like that could not be seen to at once and are tried again.")
        .callback(gauge -> gauge.call((double) jobs.unfinished()))
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
    CounterWithCallback.builder()
        .name("job_worker_audit_lost_lines_total")
        .help("Lines of the audit log that could not be written.")
        .callback(counter -> counter.call((double) audit.lost()))
        .register(registry);
    PATIENCE.forEach(System.getProperties()::putIfAbsent); // before the first server is made
    try {
      requireFree(address);
      HttpServer http = HttpServer.create(address, 0);
      ExecutorService scrapes =
          Executors.newFixedThreadPool(
              MAX_SCRAPES, Thread.ofPlatform().name("metrics-", 0).daemon().factory());
      http.setExecutor(scrapes);
      var _ = http.createContext("/", exactly(new MetricsHandler(registry)));
      http.start();
      return new Metrics(http, scrapes);
    } catch (IOException e) {
      throw new ConfigException(
          "metrics.listen: cannot listen on " + address + ": " + e.getMessage());
    }
  }

  /** The JDK's contexts are prefixes: whoever asks for another path must not get figures. */
  private static HttpHandler exactly(HttpHandler figures) {
    return exchange -> {
      if (!exchange.getRequestURI().getPath().equals(PATH)) {
        refuse(exchange, HttpURLConnection.HTTP_NOT_FOUND, "there is only " + PATH);
      } else if (!METHODS.contains(exchange.getRequestMethod())) {
        exchange.getResponseHeaders().set("Allow", "GET, HEAD");
        refuse(exchange, HttpURLConnection.HTTP_BAD_METHOD, "figures are only read");
      } else {
        figures.handle(exchange);
      }
    };
  }

  private static void refuse(HttpExchange exchange, int status, String why) throws IOException {
    try (exchange) {
      byte[] text = (why + "\n").getBytes(UTF_8);
      boolean bare = exchange.getRequestMethod().equals("HEAD");
      exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
      exchange.sendResponseHeaders(status, bare ? -1 : text.length);
      if (!bare) {
        exchange.getResponseBody().write(text);
      }
    }
  }

  /** The JDK's HTTP server leaves a socket that it cannot bind to the garbage collector. */
  private static void requireFree(InetSocketAddress address) throws IOException {
    new ServerSocket(address.getPort(), 1, address.getAddress()).close();
  }

  @Override
  public void close() {
    http.stop(0);
    scrapes.shutdownNow();
  }
}
