package io.jobworker.server;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallExecutorSupplier;
import io.grpc.ServerInterceptors;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.core.Jobs;
import io.jobworker.core.JobsConfig;
import io.jobworker.core.linux.Linux;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.auth.AuthInterceptor;
import io.jobworker.server.auth.CertificateIdentity;
import io.jobworker.server.auth.ClientRegistry;
import io.jobworker.server.auth.ConnectionQuota;
import io.jobworker.server.auth.JobUsers;
import io.jobworker.server.auth.QuotaInterceptor;
import io.jobworker.server.auth.Revocation;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.metrics.Metrics;
import io.jobworker.server.quota.ClientUse;
import io.jobworker.server.quota.Quota;
import io.jobworker.server.quota.Quotas;
import io.jobworker.server.rpc.JobWorkerService;
import io.jobworker.server.rpc.LogsMethod;
import io.jobworker.server.rpc.MalformedRequests;
import io.jobworker.server.tls.Tls;
import io.jobworker.server.tls.TlsFiles;
import io.jobworker.server.transport.Connections;
import io.jobworker.server.transport.StreamExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The daemon's parts, put together: from {@link #start} it serves until it is closed. */
public final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final String LOGS = JobWorkerGrpc.getLogsMethod().getFullMethodName();
  private static final int FLOW_CONTROL_WINDOW = 256 << 10; // of requests, which are small

  /** As large as the bounds of a job's fields allow, and some. */
  private static final int MAX_REQUEST_BYTES = 3 << 20;

  /** Further ones wait at the client (RFC 9113, 5.1.2). */
  private static final int MAX_CALLS_PER_CONNECTION = 1024;

  private static final long EXPIRY_HOURS = 24;
  private static final long CALLS_PATIENCE_SECONDS = 5;

  private final ServerDirectory directory;
  private final ServerConfig.Shutdown shutdown;
  private final Audit audit;
  private final ClientRegistry clients;
  private final Jobs jobs;
  private final ExecutorService calls = Executors.newVirtualThreadPerTaskExecutor();
  private final ScheduledThreadPoolExecutor timer =
      new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name("timer").daemon().factory());
  private final Connections connections;
  private final Tls tls;
  private final Revocation revocation;
  private final Optional<Metrics> metrics;
  private final io.grpc.Server grpc;

  private Server(ServerDirectory directory, ServerConfig config, HostAndPort listen)
      throws IOException {
    this.directory = directory;
    this.shutdown = config.shutdown();
    checkBounds(config);
    requirePrivate(directory, config);
    audit = new Audit(config.audit(), directory);
    audit.serverStarted(directory.path().toString());
    connections = new Connections(connectionBounds(config.connections()), calls);
    tls = Tls.open(TlsFiles.of(directory, config.tls()), connections, audit);
    clients = ClientRegistry.open(directory.database(), Clock.systemUTC());
    CertificateIdentity identity = CertificateIdentity.COMMON_NAME;
    ClientUse use = new ClientUse();
    Quotas quotas = quotas(directory, config);
    boolean isolate = config.isolation().enabled() && Linux.isRoot();
    jobs = openJobs(directory, config, isolate);
    JobUsers users = new JobUsers(clients, config.isolation().uidRange(), isolate);
    timer.setRemoveOnCancelPolicy(true);
    metrics =
        config.metrics().listen().isEmpty()
            ? Optional.empty()
            : Optional.of(
                Metrics.serve(
                    HostAndPort.parse(config.metrics().listen()).resolve(),
                    tls,
                    connections,
                    audit,
                    jobs));
    revocation = Revocation.start(identity, clients, connections, audit, directory.database());
    grpc =
        connections
            .in(
                NettyServerBuilder.forAddress(listen.resolve()),
                new ConnectionQuota(identity, clients, quotas, use, audit))
            .sslContext(tls.context())
            .executor(calls)
            .callExecutor(new ByMethod())
            .initialFlowControlWindow(FLOW_CONTROL_WINDOW)
            .maxInboundMessageSize(MAX_REQUEST_BYTES)
            .maxConcurrentCallsPerConnection(MAX_CALLS_PER_CONNECTION)
            .addService(
                MalformedRequests.refusedBy(
                    ServerInterceptors.intercept(
                        new JobWorkerService(
                            jobs, users, audit, logSettings(config.output()), calls, timer),
                        new QuotaInterceptor(use, audit, timer),
                        new AuthInterceptor(identity, clients, quotas, jobs, audit))))
            .build();
  }

  /**
   * Starts serving.
   *
   * @throws ConfigException if something in the directory is not as it must be, or the address is
   *     taken
   */
  public static Server start(ServerDirectory directory, ServerConfig config, HostAndPort listen) {
    Server server = null;
    try {
      server = new Server(directory, config, listen);
      server.grpc.start();
      server.announce(listen);
      return server;
    } catch (IOException e) {
      if (server != null) {
        server.close();
      }
      throw new ConfigException("cannot listen on " + listen + ": " + reason(e));
    }
  }

  private static String reason(Throwable e) {
    Throwable root = e;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  private Jobs openJobs(ServerDirectory directory, ServerConfig config, boolean isolate) {
    JobsConfig defaults = JobsConfig.in(directory.resolve(config.state().directory()));
    Jobs opened =
        Jobs.open(
            new JobsConfig(
                defaults.stateDirectory(),
                config.cgroup().root(),
                outputConfig(config.output(), defaults.stateDirectory()),
                new JobsConfig.History(config.history().keep().value(), config.history().max()),
                config.job().rlimits(),
                isolate,
                directory.path(),
                config.limits().otherwise().toLimits(),
                config.launcher().cpuMillis(),
                defaults.launchPatience(),
                defaults.stopPatience(),
                defaults.clock()),
            audit);
    if (!isolate) {
      LOG.atWarn()
          .addKeyValue("problem", Linux.isRoot() ? "it is switched off" : "the server is not root")
          .log("host.no_isolation");
    }
    Set<String> missing = new TreeSet<>(Set.of("cpu", "io", "memory", "pids"));
    missing.removeAll(opened.controllers());
    if (!missing.isEmpty()) {
      LOG.atWarn().addKeyValue("controllers", missing).log("host.controllers_missing");
    }
    opened
        .cgroupProblem()
        .ifPresent(
            problem -> LOG.atWarn().addKeyValue("problem", problem).log("host.no_cgroup_v2"));
    return opened;
  }

  private static JobsConfig.Output outputConfig(ServerConfig.Output output, Path state) {
    return new JobsConfig.Output(
        output.retain(), output.onFull(), output.total().of(state), output.stallLimit().value());
  }

  private static Connections.Bounds connectionBounds(ServerConfig.Connections connections) {
    return new Connections.Bounds(
        connections.max(),
        connections.perSecond(),
        connections.handshakes(),
        connections.handshakePatience().value(),
        connections.idle().value());
  }

  /** Of a client that has none of its own. */
  private static Quotas quotas(ServerDirectory directory, ServerConfig config) {
    ServerConfig.Quota quota = config.quota();
    ServerConfig.LimitSetting most = config.limits().max();
    Path state = directory.resolve(config.state().directory());
    return Quotas.of(
        Map.of(
            Quota.RUNNING_JOBS, (long) quota.runningJobs(),
            Quota.STARTS_PER_SECOND, (long) quota.startsPerSecond(),
            Quota.CALLS, (long) quota.calls(),
            Quota.STREAMS, (long) quota.streams(),
            Quota.CONNECTIONS, (long) quota.connections(),
            Quota.RETAINED_OUTPUT, quota.retainedOutput().of(state).bytes(),
            Quota.MAX_CPU_MILLIS, (long) most.cpuMillis(),
            Quota.MAX_MEMORY, most.memory().bytes(),
            Quota.MAX_MEMORY_HIGH, most.memoryHigh().bytes(),
            Quota.MAX_PIDS, (long) most.pids()));
  }

  private static LogsMethod.Settings logSettings(ServerConfig.Output output) {
    return new LogsMethod.Settings((int) output.maxMessage().bytes(), output.stallLimit().value());
  }

  /** What others could read or replace is no secret, and what they could replace is not ours. */
  private static void requirePrivate(ServerDirectory directory, ServerConfig config) {
    ServerDirectory.requireOwnDirectory(directory.path());
    for (Path file : List.of(directory.database(), directory.caKey())) {
      if (Files.exists(file)) { // a CA's key is better kept elsewhere
        ServerDirectory.requirePrivate(file);
      }
    }
    Path state = directory.resolve(config.state().directory());
    if (Files.exists(state)) {
      ServerDirectory.requirePrivateDirectory(state);
    }
  }

  private static void checkBounds(ServerConfig config) {
    ServerConfig.Output output = config.output();
    long message = output.maxMessage().bytes();
    if (message < 1024 || message > 3 << 20) { // gRPC's clients take 4 MiB unless told otherwise
      throw new ConfigException("server.toml: output.max-message: from 1K to 3M");
    }
    if (output.retain().bytes() < 64 << 10) {
      throw new ConfigException("server.toml: output.retain: at least 64K");
    }
    if (config.launcher().cpuMillis() < 10) {
      throw new ConfigException("server.toml: launcher.cpu-millis: at least 10");
    }
    if (output.total().percent() == 0 && output.total().size().bytes() < 1 << 20) {
      throw new ConfigException("server.toml: output.total: at least 1M");
    }
    ServerConfig.Connections connections = config.connections();
    if (connections.max() < 1
        || connections.perSecond() < 1
        || connections.handshakes() < 1
        || connections.handshakePatience().value().isZero()
        || connections.idle().value().isZero()) {
      throw new ConfigException("server.toml: connections: at least one of each, and some time");
    }
    if (config.history().max() < 1 || config.history().keep().value().isZero()) {
      throw new ConfigException("server.toml: history: at least one job, and some time");
    }
  }

  private void announce(HostAndPort listen) throws IOException {
    String address = listen.withPort(grpc.getPort()).toString();
    ServerDirectory.createParentPrivately(directory.address());
    ServerDirectory.replace(directory.address(), address + "\n");
    audit.serverListening(address);
    var _ =
        timer.scheduleAtFixedRate(
            () -> audit.expiring(tls.certificates()), 0, EXPIRY_HOURS, TimeUnit.HOURS);
  }

  public int port() {
    return grpc.getPort();
  }

  /**
   * Ends all calls, stops the jobs if the configuration says so or else lets go of them, and
   * returns when everything is closed.
   */
  @Override
  public void close() {
    try {
      Files.deleteIfExists(directory.address());
      grpc.shutdownNow().awaitTermination(CALLS_PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("server.address_not_removed");
    }
    calls.shutdownNow(); // the launcher carries out a Stop that waits for its grace
    if (shutdown.jobs() == ServerConfig.JobsThen.STOP) {
      jobs.stopAll(shutdown.grace().value());
    }
    metrics.ifPresent(Metrics::close);
    revocation.close();
    tls.close();
    connections.close();
    jobs.close();
    timer.shutdownNow();
    clients.close();
    audit.serverStopped();
  }

  /** HOST:PORT. */
  public record HostAndPort(String host, int port) {
    /** Reads {@code localhost:7443} or {@code [::1]:7443}. */
    public static HostAndPort parse(String text) {
      int colon = text.lastIndexOf(':');
      try {
        int port = Integer.parseInt(text.substring(colon + 1));
        if (colon > 0 && port >= 0 && port <= 65535) {
          return new HostAndPort(text.substring(0, colon).replaceAll("^\\[|\\]$", ""), port);
        }
      } catch (NumberFormatException e) {
        // said below
      }
      throw new ConfigException("'" + text + "' is not an address; write HOST:PORT");
    }

    HostAndPort withPort(int newPort) {
      return new HostAndPort(host, newPort);
    }

    InetSocketAddress resolve() {
      InetSocketAddress address = new InetSocketAddress(host, port);
      if (address.isUnresolved()) {
        throw new ConfigException("cannot find the host '" + host + "'");
      }
      return address;
    }

    @Override
    public String toString() {
      return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
    }
  }

  /** Log streams on their connections' event loops, all else on virtual threads. */
  private final class ByMethod implements ServerCallExecutorSupplier {
    @Override
    public <Q, R> Executor getExecutor(ServerCall<Q, R> call, Metadata metadata) {
      return call.getMethodDescriptor().getFullMethodName().equals(LOGS)
          ? StreamExecutor.of(call, calls)
          : calls;
    }
  }
}
