package io.jobworker.server.rpc;

import io.grpc.BindableService;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.protobuf.services.HealthStatusManager;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.core.Jobs;
import io.jobworker.server.gate.SeedName;
import io.jobworker.server.timing.Ticker;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The standard service that load balancers and probes ask ({@code grpc.health.v1.Health}): whether
 * jobs are started here, or none can be, as on a full disk, or while the server closes.
 * Thread-safe.
 */
public final class ServiceHealth implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceHealth.class);
  private static final Duration INTERVAL = Duration.ofSeconds(2);

  /** The empty one is the server as a whole. */
  private static final List<String> SERVICES =
      List.of(
          HealthStatusManager.SERVICE_NAME_ALL_SERVICES, JobWorkerGrpc.SERVICE_NAME, SeedName.NAME);

  private final HealthStatusManager manager = new HealthStatusManager();
  private final Jobs jobs;
  private Optional<Ticker> ticker = Optional.empty();
  private boolean serving = true; // of the ticker's work alone

  public ServiceHealth(Jobs jobs) {
    this.jobs = jobs;
    tell();
  }

  public BindableService service() {
    return manager.getHealthService();
  }

  /** Begins to look, on threads that may block. To be called once, before it is closed. */
  public void start(ScheduledExecutorService timer, Executor workers) {
    Ticker looking = new Ticker("health", workers, this::look);
    ticker = Optional.of(looking);
    looking.start(timer, INTERVAL);
  }

  private void look() {
    Optional<String> problem = jobs.startProblem();
    if (serving == problem.isEmpty()) {
      return;
    }
    serving = problem.isEmpty();
    problem.ifPresentOrElse(
        why -> LOG.atWarn().addKeyValue("problem", why).log("health.not_serving"),
        () -> LOG.atInfo().log("health.serving"));
    tell();
  }

  private void tell() {
    ServingStatus status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    SERVICES.forEach(service -> manager.setStatus(service, status));
  }

  /** From now on nothing is served here. */
  @Override
  public void close() {
    manager.enterTerminalState();
    ticker.ifPresent(Ticker::close);
  }
}
