package io.jobworker.cli.connect;

import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The options that say which server, and as whom. They may stand before the verb or behind it. */
public final class ConnectOptions {
  @Option(
      names = "--config",
      scope = ScopeType.INHERIT,
      paramLabel = "FILE",
      description =
          "The client's configuration; default: $JOB_WORKER_CONFIG, then"
              + " ~/.config/job-worker/config.toml.")
  private Optional<Path> config = Optional.empty();

  @Option(
      names = "--address",
      scope = ScopeType.INHERIT,
      paramLabel = "HOST:PORT",
      description = "The server, instead of the configured one.")
  private Optional<String> address = Optional.empty();

  @Option(
      names = "--ca",
      scope = ScopeType.INHERIT,
      paramLabel = "FILE",
      description = "The CA's certificate (PEM), likewise.")
  private Optional<Path> ca = Optional.empty();

  @Option(
      names = "--cert",
      scope = ScopeType.INHERIT,
      paramLabel = "FILE",
      description = "The client's certificate, likewise.")
  private Optional<Path> cert = Optional.empty();

  @Option(
      names = "--key",
      scope = ScopeType.INHERIT,
      paramLabel = "FILE",
      description = "The client's private key, likewise.")
  private Optional<Path> key = Optional.empty();

  /** Prepares the connection that the options name. */
  public Connection connect() {
    if (address.isPresent() && ca.isPresent() && cert.isPresent() && key.isPresent()) {
      return Connection.to(
          new ClientConfig(
              address.get(),
              ClientConfig.readPem(ca.get()),
              ClientConfig.readPem(cert.get()),
              ClientConfig.readPem(key.get())));
    }
    ClientConfig read = ClientConfig.read(config.orElseGet(ConnectOptions::defaultConfig));
    return Connection.to(
        new ClientConfig(
            address.orElse(read.address()),
            ca.map(ClientConfig::readPem).orElse(read.ca()),
            cert.map(ClientConfig::readPem).orElse(read.cert()),
            key.map(ClientConfig::readPem).orElse(read.key())));
  }

  /**
   * Which configuration of a client this is: by its file or, with none, by server and certificate.
   */
  public String account() {
    if (address.isPresent() && ca.isPresent() && cert.isPresent() && key.isPresent()) {
      return address.get() + " " + cert.get().toAbsolutePath().normalize();
    }
    return config.orElseGet(ConnectOptions::defaultConfig).toAbsolutePath().normalize().toString();
  }

  private static Path defaultConfig() {
    String named = System.getenv("JOB_WORKER_CONFIG");
    return named != null && !named.isEmpty()
        ? Path.of(named)
        : Path.of(System.getProperty("user.home"), ".config", "job-worker", "config.toml");
  }
}
