package io.jobworker.server.daemon;

import io.jobworker.core.JobsConfig;
import io.jobworker.core.TakeOver;
import io.jobworker.core.job.RunAs;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.quota.Quotas;
import io.jobworker.server.rpc.LogsMethod;
import io.jobworker.server.transport.Connections;
import java.nio.file.Path;
import java.util.Optional;

/** What each part is told out of {@code server.toml}, in the part's own terms. */
record Settings(ServerDirectory directory, ServerConfig config, TakeOver takeOver) {
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
            output.retain(), output.onFull(), output.total().of(state()), output.stallLimit()),
        new JobsConfig.History(
            config.history().keep(),
            config.history().max(),
            config.history().changes(),
            config.history().specs()),
        config.job().rlimits(),
        isolate,
        config.isolation().scratch().ofMemory(),
        directory.path(),
        isolate
            ? Optional.of(
                new RunAs(
                    config.isolation().uidRange().first(), config.isolation().uidRange().first()))
            : Optional.empty(),
        new JobsConfig.Defaults(config.limits().otherwise(), config.limits().unenforceable()),
        config.launcher().cpuMillis(),
        config.state().durability() == ServerConfig.Durability.FULL,
        defaults.launchPatience(),
        defaults.stopPatience(),
        defaults.repeatPatience(),
        defaults.clock(),
        defaults.uptime(),
        takeOver);
  }

  Connections.Bounds connections() {
    ServerConfig.Connections connections = config.connections();
    return new Connections.Bounds(
        connections.max(),
        connections.perSecond(),
        connections.handshakes(),
        connections.handshakePatience(),
        connections.idle());
  }

  /** Of a client that has none of its own. */
  Quotas quotas() {
    return Quotas.of(config.quota().in(state()), config.limits().max());
  }

  HeapUse heap() {
    return HeapUse.of(Runtime.getRuntime().maxMemory(), config.connections().max());
  }

  LogsMethod.Settings logs() {
    ServerConfig.Output output = config.output();
    return new LogsMethod.Settings(
        (int) output.maxMessage().bytes(), output.stallLimit(), heap().untakenBytes());
  }
}
