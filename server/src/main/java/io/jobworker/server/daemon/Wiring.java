package io.jobworker.server.daemon;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerInterceptors;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.base.lifecycle.Lifecycle;
import io.jobworker.base.linux.LocalPorts;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.net.HostAndPort;
import io.jobworker.core.Jobs;
import io.jobworker.core.TakeOver;
import io.jobworker.server.access.Authenticator;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.clients.CertificateIdentity;
import io.jobworker.server.clients.ClientRegistry;
import io.jobworker.server.clients.JobUsers;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ListenAddress;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.gate.AccessInterceptor;
import io.jobworker.server.gate.ConnectionQuota;
import io.jobworker.server.gate.MalformedRequests;
import io.jobworker.server.gate.QuotaInterceptor;
import io.jobworker.server.gate.RequestMemory;
import io.jobworker.server.gate.Revocation;
import io.jobworker.server.gate.SeedName;
import io.jobworker.server.metrics.Metrics;
import io.jobworker.server.quota.ClientUse;
import io.jobworker.server.quota.RequestBytes;
import io.jobworker.server.rpc.JobWorkerService;
import io.jobworker.server.rpc.ServiceHealth;
import io.jobworker.server.timing.Ticker;
import io.jobworker.server.tls.Tls;
import io.jobworker.server.tls.TlsFiles;
import io.jobworker.server.transport.Connections;
import io.jobworker.server.transport.NativeCode;
import io.jobworker.server.transport.StreamExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts the daemon's parts together. Each is started after those that it needs and given to the
 * {@link Lifecycle} at once, so that a failure anywhere leaves nothing behind: what begins last
 * ends first.
 */
final class Wiring {
  private static final Logger LOG = LoggerFactory.getLogger(Wiring.class);
  private static final String LOGS = JobWorkerGrpc.getLogsMethod().getFullMethodName();

  private static final Duration SLOW_REQUESTS_INTERVAL = Duration.ofSeconds(5);
  private static final Duration EXPIRY_INTERVAL = Duration.ofHours(24);
  private static final long CALLS_PATIENCE_SECONDS = 5;

  private final ServerDirectory directory;
  private final ServerConfig config;
  private final Settings settings;
  private final Lifecycle lifecycle;

  /** Whether clients were served: a start that fails stops nobody's jobs. */
  private boolean serving;

  Wiring(ServerDirectory directory, ServerConfig config, TakeOver takeOver, Lifecycle lifecycle) {
    this.directory = directory;
    this.config = config;
    this.settings = new Settings(directory, config, takeOver);
    this.lifecycle = lifecycle;
  }

  /**
   * Starts everything, and serves. Returns the audit, which closes with the rest.
   *
   * @throws ConfigException if that cannot be done as it is configured
   */
  Audit start(HostAndPort listen) {
    InetSocketAddress address = ListenAddress.resolve(listen);
    Optional<InetSocketAddress> metricsAddress = metricsAddress();
    settings.heap().requireFits();
    boolean isolate = config.isolation().enabled() && ProcessCalls.isRoot();
    lifecycle.add(directory.lock());
    Jobs.makeRoom(settings.jobs(isolate)); // native code is unpacked before they are opened
    NativeCode.unpackIn(directory.run());
    Audit audit = openAudit();
    Tls tls = Tls.load(TlsFiles.of(directory, config.tls()), audit);
    ScheduledExecutorService timer = startTimer();
    ClientRegistry clients =
        lifecycle.add(ClientRegistry.open(directory.database(), Clock.systemUTC()));
    Jobs jobs = openJobs(audit, isolate);
    forgetAddress();
    ExecutorService calls = startCalls();
    Connections connections = lifecycle.add(openConnections(calls));
    lifecycle.add(tls.follow(connections, timer, calls));
    metricsAddress.ifPresent(at -> lifecycle.add(Metrics.serve(at, tls, connections, audit, jobs)));
    Authenticator authenticator =
        new Authenticator(
            CertificateIdentity.COMMON_NAME, clients, settings.quotas(), Clock.systemUTC());
    ClientUse use = new ClientUse();
    lifecycle.add(Revocation.start(authenticator, clients, connections, audit, timer, calls));
    RequestMemory memory =
        new RequestMemory(new RequestBytes(settings.heap().requestBytes()), authenticator, audit);
    Ticker slow = lifecycle.add(new Ticker("slow-requests", calls, memory::refuseSlow));
    slow.start(timer, SLOW_REQUESTS_INTERVAL);
    ServiceHealth health = new ServiceHealth(jobs);
    JobUsers users = new JobUsers(clients, config.isolation().uidRange(), isolate);
    io.grpc.Server grpc =
        connections
            .server(address, tls, new ConnectionQuota(authenticator, use, audit))
            .executor(calls)
            .callExecutor(new ByMethod(calls))
            .maxInboundMessageSize(HeapUse.MAX_REQUEST_BYTES)
            .addServices(
                Stream.of(
                        new JobWorkerService(jobs, users, audit, settings.logs(), calls, timer),
                        health.service(),
                        ProtoReflectionServiceV1.newInstance())
                    .map(service ->
                        ServerInterceptors.intercept(
                            service,
                            new QuotaInterceptor(use, audit, timer),
                            new AccessInterceptor(authenticator, jobs, audit)))
                    .flatMap(service -> SeedName.andOwnNameOf(service).stream())
                    .map(MalformedRequests::refusedBy)
                    .map(service -> ServerInterceptors.intercept(service, memory))
                    .toList())
            .build();
    serve(grpc, listen);
    lifecycle.add(health).start(timer, calls);
    HostAndPort listening = connections.listensAt(listen, grpc);
    reservePorts(jobs, listening.port(), metricsAddress.map(InetSocketAddress::getPort));
    announce(listening.toString(), audit);
    warnOfExpiry(tls, audit, timer, calls);
    serving = true;
    return audit;
  }

  private Connections openConnections(ExecutorService calls) {
    try {
      return new Connections(settings.connections(), calls);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(String.valueOf(e.getMessage()));
    }
  }

  private Optional<InetSocketAddress> metricsAddress() {
    String listen = config.metrics().listen();
    return listen.isEmpty()
        ? Optional.empty()
        : Optional.of(ListenAddress.resolve(ListenAddress.parse("metrics.listen", listen)));
  }

  private Audit openAudit() {
    Audit audit = lifecycle.add(new Audit(config.audit(), directory));
    audit.serverStarted(directory.path().toString());
    lifecycle.onClose(audit::serverStopped);
    return audit;
  }

  private ScheduledExecutorService startTimer() {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name("timer").daemon().factory());
    timer.setRemoveOnCancelPolicy(true);
    lifecycle.onClose(timer::shutdownNow);
    return timer;
  }

  private Jobs openJobs(Audit audit, boolean isolate) {
    Jobs jobs = lifecycle.add(Jobs.open(settings.jobs(isolate), audit));
    lifecycle.onClose(() -> {
      if (serving && config.shutdown().jobs() == ServerConfig.JobsThen.STOP) {
        jobs.stopAll(config.shutdown().grace());
      }
    });
    List<String> others = isolate ? JobUsers.others(config.isolation().uidRange()) : List.of();
    if (!others.isEmpty()) {
      LOG.atWarn().addKeyValue("with", others).log("host.uid_range_shared");
    }
    if (!isolate) {
      LOG.atWarn()
          .addKeyValue(
              "problem", ProcessCalls.isRoot() ? "it is switched off" : "the server is not root")
          .log("host.no_isolation");
    }
    Set<String> missing = new TreeSet<>(Set.of("cpu", "io", "memory", "pids"));
    missing.removeAll(jobs.controllers());
    if (!missing.isEmpty()) {
      LOG.atWarn().addKeyValue("controllers", missing).log("host.controllers_missing");
    }
    jobs.cgroupProblem()
        .ifPresent(
            problem -> LOG.atWarn().addKeyValue("problem", problem).log("host.no_cgroup_v2"));
    return jobs;
  }

  /** Where calls are handled. A Stop that waits for its grace is carried out by the launcher. */
  private ExecutorService startCalls() {
    ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();
    lifecycle.onClose(() -> {
      calls.shutdownNow();
      if (!calls.awaitTermination(CALLS_PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        LOG.atWarn().log("server.calls_not_ended");
      }
    });
    return calls;
  }

  private void serve(io.grpc.Server grpc, HostAndPort listen) {
    lifecycle.onClose(
        () -> grpc.shutdownNow().awaitTermination(CALLS_PATIENCE_SECONDS, TimeUnit.SECONDS));
    try {
      grpc.start();
    } catch (IOException e) {
      throw new ConfigException("cannot listen on " + listen + ": " + rootMessage(e));
    }
  }

  /** From jobs that would take one while this server is away, and be taken for it. */
  private static void reservePorts(Jobs jobs, int own, Optional<Integer> metrics) {
    Set<Integer> ports = new TreeSet<>(Set.of(own));
    metrics.filter(port -> port != 0).ifPresent(ports::add);
    List<Integer> givenAway = ports.stream().filter(LocalPorts::isGivenAway).toList();
    if (!givenAway.isEmpty()) {
      LOG.atWarn().addKeyValue("ports", givenAway).log("host.port_given_away");
    }
    jobs.reservePorts(ports)
        .ifPresent(problem ->
            LOG.atWarn()
                .addKeyValue("ports", ports)
                .addKeyValue("problem", problem)
                .log("host.ports_not_reserved"));
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  /** A server that was killed has left it: from the lock on it is ours. */
  private void forgetAddress() {
    try {
      if (Files.exists(directory.address())) {
        Files.delete(directory.address());
      }
    } catch (IOException e) {
      throw new ConfigException("cannot delete " + directory.address() + ": " + e.getMessage());
    }
  }

  private void announce(String address, Audit audit) {
    try {
      ServerDirectory.createParentPrivately(directory.address());
      lifecycle.onClose(() -> Files.deleteIfExists(directory.address()));
      ServerDirectory.replace(directory.address(), address + "\n");
    } catch (IOException e) {
      throw new ConfigException("cannot write " + directory.address() + ": " + e.getMessage());
    }
    audit.serverListening(address);
  }

  private void warnOfExpiry(
      Tls tls, Audit audit, ScheduledExecutorService timer, Executor workers) {
    Ticker expiry = new Ticker("expiry", workers, () -> audit.expiring(tls.certificates()));
    lifecycle.add(expiry);
    expiry.start(timer, EXPIRY_INTERVAL);
  }

  /** Log streams on their connections' event loops, all else on threads that may block. */
  private record ByMethod(Executor calls) implements ServerCallExecutorSupplier {
    @Override
    public <Q, R> Executor getExecutor(ServerCall<Q, R> call, Metadata metadata) {
      return SeedName.ownNameOf(call.getMethodDescriptor()).equals(LOGS)
          ? StreamExecutor.of(call, calls)
          : calls;
    }
  }
}
