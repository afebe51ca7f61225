package io.jobworker.server.daemon;

import io.jobworker.core.JobsConfig;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.quota.Quota;
import io.jobworker.server.quota.Quotas;
import io.jobworker.server.rpc.LogsMethod;
import io.jobworker.server.transport.Connections;
import java.nio.file.Path;
import java.util.Map;

/** What each part is told out of {@code server.toml}, in the part's own terms. */
record Settings(ServerDirectory directory, ServerConfig config) {
  private Path state() {
    return directory.resolve(config.state().directory());
  }

  JobsConfig jobs(boolean isolate) {
    JobsConfig defaults = JobsConfig.in(state());
    ServerConfig.Output output = config.output();
    return new JobsConfig(
        defaults.stateDirectory(),
        config.cgroup().root(),
        new JobsConfig.Output(
            output.retain(),
            output.onFull(),
            output.total().of(state()),
            output.stallLimit().value()),
        new JobsConfig.History(config.history().keep().value(), config.history().max()),
        config.job().rlimits(),
        isolate,
        directory.path(),
        config.limits().otherwise().toLimits(),
        config.launcher().cpuMillis(),
        defaults.launchPatience(),
        defaults.stopPatience(),
        defaults.clock());
  }

  Connections.Bounds connections() {
    ServerConfig.Connections connections = config.connections();
    return new Connections.Bounds(
        connections.max(),
        connections.perSecond(),
        connections.handshakes(),
        connections.handshakePatience().value(),
        connections.idle().value());
  }

  /** Of a client that has none of its own. */
  Quotas quotas() {
    ServerConfig.Quota quota = config.quota();
    ServerConfig.LimitSetting most = config.limits().max();
    return Quotas.of(
        Map.of(
            Quota.RUNNING_JOBS, (long) quota.runningJobs(),
            Quota.STARTS_PER_SECOND, (long) quota.startsPerSecond(),
            Quota.CALLS, (long) quota.calls(),
            Quota.STREAMS, (long) quota.streams(),
            Quota.CONNECTIONS, (long) quota.connections(),
            Quota.RETAINED_OUTPUT, quota.retainedOutput().of(state()).bytes(),
            Quota.MAX_CPU_MILLIS, (long) most.cpuMillis(),
            Quota.MAX_MEMORY, most.memory().bytes(),
            Quota.MAX_MEMORY_HIGH, most.memoryHigh().bytes(),
            Quota.MAX_PIDS, (long) most.pids()));
  }

  LogsMethod.Settings logs() {
    ServerConfig.Output output = config.output();
    return new LogsMethod.Settings((int) output.maxMessage().bytes(), output.stallLimit().value());
  }
}
