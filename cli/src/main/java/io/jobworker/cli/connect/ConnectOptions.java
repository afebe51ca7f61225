package io.jobworker.cli.connect;

import io.grpc.ClientInterceptor;
import io.jobworker.base.net.HostAndPort;
import io.jobworker.base.units.Durations;
import io.jobworker.base.words.CallersBytes;
import io.jobworker.base.words.OsString;
import io.jobworker.cli.help.HelpGroup;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The options that say which server, and as whom. They may stand before the verb or behind it. */
@HelpGroup("The server")
public final class ConnectOptions {
  private static final String ADDRESS = "JOB_WORKER_ADDRESS";
  private static final String CONTEXT = "JOB_WORKER_CONTEXT";
  private static final Pattern SERVER_NAME = Pattern.compile("[\\p{L}\\p{N}._:%-]+");

  @Option(
      names = "--config",
      scope = ScopeType.INHERIT,
      paramLabel = "FILE",
      description =
          "The client's configuration; default: $JOB_WORKER_CONFIG or, where that is empty or not"
              + " set, ~/.config/job-worker/config.toml.")
  private Optional<Path> config = Optional.empty();

  @Option(
      names = "--context",
      scope = ScopeType.INHERIT,
      paramLabel = "CONTEXT",
      description =
          "One of the configuration's servers; default: $JOB_WORKER_CONTEXT, then its own.")
  private Optional<String> context = Optional.empty();

  @Option(
      names = "--address",
      scope = ScopeType.INHERIT,
      paramLabel = "HOST:PORT",
      description = "The server; default: $JOB_WORKER_ADDRESS, then the configured one.")
  private Optional<String> address = Optional.empty();

  @Option(
      names = "--server-name",
      scope = ScopeType.INHERIT,
      paramLabel = "NAME",
      description =
          "The name that the server's certificate must have; default: the configuration's"
              + " server_name, then the address's host.")
  private Optional<String> serverName = Optional.empty();

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

  @Option(
      names = "--deadline",
      scope = ScopeType.INHERIT,
      paramLabel = "TIME",
      description =
          "How long the server may take for an answer, as in 5s. What follows a job, or waits for"
              + " it, is not bounded.")
  private Optional<String> deadline = Optional.empty();

  /**
   * Prepares the connection that the options name.
   *
   * @param tell hears of every call
   * @throws UsageException if they name none, with what is wrong
   */
  public Connection connect(Optional<Consumer<String>> tell) {
    Destination destination = destination();
    List<ClientInterceptor> calls = new ArrayList<>();
    deadline.ifPresent(text -> calls.add(deadlines(destination.server(), text)));
    tell.ifPresent(say -> {
      say.accept(destination.toString());
      calls.add(new Telling(say));
    });
    return Connection.to(destination, calls);
  }

  private static Deadlines deadlines(HostAndPort server, String text) {
    try {
      Duration time = Durations.parse(text);
      if (time.isZero()) {
        throw new IllegalArgumentException("give the server some time");
      }
      return new Deadlines(server, time, text);
    } catch (IllegalArgumentException e) {
      throw new UsageException("--deadline " + text + ": " + e.getMessage());
    }
  }

  private Destination destination() {
    Optional<HostAndPort> named = named();
    return named.isPresent() && ca.isPresent() && cert.isPresent() && key.isPresent()
        ? destination(
            named.get(),
            ClientConfig.readPem(ca.get()),
            ClientConfig.readPem(cert.get()),
            ClientConfig.readPem(key.get()),
            serverName)
        : configured(clientFile(), named);
  }

  /** Which server, if that is not the configuration's to say. */
  private Optional<HostAndPort> named() {
    return address
        .map(text -> server("--address", text))
        .or(() -> byEnvironment(ADDRESS).map(text -> server(ADDRESS, text)));
  }

  private Destination configured(Path file, Optional<HostAndPort> named) {
    ClientConfig read = ClientConfig.read(file);
    return destination(
        named.orElseGet(() -> server("the address in " + file, read.address())),
        ca.map(ClientConfig::readPem).orElseGet(() -> ClientConfig.pem(file, read.ca())),
        cert.map(ClientConfig::readPem).orElseGet(() -> ClientConfig.pem(file, read.cert())),
        key.map(ClientConfig::readPem).orElseGet(() -> ClientConfig.pem(file, read.key())),
        serverName.or(() -> Optional.ofNullable(read.serverName())));
  }

  private static Destination destination(
      HostAndPort server, Pem authorities, Pem certificate, Pem own, Optional<String> serverName) {
    String name = serverName.orElse(server.host().replaceFirst("%.*", "")); // without a scope
    if (!SERVER_NAME.matcher(name).matches()) {
      throw new UsageException(
          "--server-name: '"
              + name.replaceAll("\\p{Cntrl}", "?")
              + "' is no name; write it as the certificate has it, without a port");
    }
    return new Destination(server, name, authorities, certificate, own);
  }

  private static HostAndPort server(String where, String text) {
    HostAndPort server;
    try {
      server = HostAndPort.parse(text);
    } catch (IllegalArgumentException e) {
      throw new UsageException(where + ": " + e.getMessage());
    }
    if (server.port() == 0) {
      throw new UsageException(
          where + ": '" + server + "' names no port; run/address in the server's directory has it");
    }
    return server;
  }

  /** The servers that the configuration knows. */
  public Contexts contexts() {
    return Contexts.of(config.orElseGet(ConnectOptions::defaultConfig));
  }

  /** The one of them that is meant, if there is one. */
  public Optional<String> context() {
    return context.or(() -> byEnvironment(CONTEXT)).or(contexts()::current);
  }

  private Path clientFile() {
    return contexts().chosen(context, byEnvironment(CONTEXT));
  }

  private static Optional<String> byEnvironment(String variable) {
    return Optional.ofNullable(CallersBytes.environment().get(variable))
        .filter(value -> !value.isEmpty());
  }

  /**
   * Which configuration of a client this is: by its file or, with none, by server and certificate.
   */
  public String account() {
    Optional<String> where = address.or(() -> byEnvironment(ADDRESS));
    if (where.isPresent() && ca.isPresent() && cert.isPresent() && key.isPresent()) {
      return where.get() + " " + cert.get().toAbsolutePath().normalize();
    }
    return clientFile().toAbsolutePath().normalize().toString(); // each context has its own
  }

  private static Path defaultConfig() {
    Map<String, String> environment = CallersBytes.environment();
    String named = environment.getOrDefault("JOB_WORKER_CONFIG", "");
    if (!named.isEmpty()) {
      return OsString.path(named);
    }
    // The JVM's user.home has gone through the locale.
    String home = environment.getOrDefault("HOME", "");
    return OsString.path(home.isEmpty() ? System.getProperty("user.home") : home)
        .resolve(".config/job-worker/config.toml");
  }
}
