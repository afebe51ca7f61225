package io.jobworker.cli.connect;

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

  /** What tells this configuration of a client from others on this machine, by whatever text. */
  default String account() {
    return "";
  }
}
