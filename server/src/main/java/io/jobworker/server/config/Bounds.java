package io.jobworker.server.config;

/** What values of {@code server.toml} a server can run with. */
public final class Bounds {
  private static final long MIN_MESSAGE_BYTES = 1 << 10;
  private static final long MAX_MESSAGE_BYTES = 3 << 20; // gRPC's clients take 4 MiB by default
  private static final long MIN_RETAIN_BYTES = 64 << 10;
  private static final long MIN_TOTAL_BYTES = 1 << 20;
  private static final long MIN_SCRATCH_BYTES = 1 << 20;
  private static final long MIN_SPECS_BYTES = 16 << 20;
  private static final int MIN_LAUNCHER_CPU_MILLIS = 10;

  private Bounds() {}

  /**
   * Refuses values that a server cannot run with.
   *
   * @throws ConfigException that names the first of them and says what it may be
   */
  public static void require(ServerConfig config) {
    ServerConfig.Output output = config.output();
    long message = output.maxMessage().bytes();
    require(
        message >= MIN_MESSAGE_BYTES && message <= MAX_MESSAGE_BYTES,
        "output.max-message: from 1K to 3M");
    require(output.retain().bytes() >= MIN_RETAIN_BYTES, "output.retain: at least 64K");
    require(
        config.launcher().cpuMillis() >= MIN_LAUNCHER_CPU_MILLIS,
        "launcher.cpu-millis: at least 10");
    require(
        output.total().percent() > 0 || output.total().size().bytes() >= MIN_TOTAL_BYTES,
        "output.total: at least 1M");
    Share scratch = config.isolation().scratch();
    require(
        scratch.percent() > 0 || scratch.size().bytes() >= MIN_SCRATCH_BYTES,
        "isolation.scratch: at least 1M");
    ServerConfig.Connections connections = config.connections();
    require(
        connections.max() >= 1
            && connections.perSecond() >= 1
            && connections.handshakes() >= 1
            && !connections.handshakePatience().isZero()
            && !connections.idle().isZero(),
        "connections: at least one of each, and some time");
    require(
        config.history().max() >= 1
            && config.history().changes() >= 1
            && !config.history().keep().isZero(),
        "history: at least one job and one change, and some time");
    require(
        config.history().specs().bytes() >= MIN_SPECS_BYTES,
        "history.specs: at least 16M, so that the largest job is kept");
  }

  private static void require(boolean holds, String bound) {
    if (!holds) {
      throw new ConfigException("server.toml: " + bound);
    }
  }
}
