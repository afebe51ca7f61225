package io.jobworker.cli.connect;

import java.util.Optional;

/** Knows which server is meant, and as whom to call it. */
@FunctionalInterface
public interface Connector {
  /** Before the command line has been read. */
  Connector NONE =
      () -> {
        throw new UsageException("no server is named");
      };

  /** Prepares a connection, which the caller closes. */
  Connection connect();

  /** The servers that the configuration knows. */
  default Contexts contexts() {
    throw new UsageException("no configuration is named");
  }

  /** The one of them that is meant, if there is one. */
  default Optional<String> context() {
    return Optional.empty();
  }

  /** What tells this configuration of a client from others on this machine, by whatever text. */
  default String account() {
    return "";
  }
}
