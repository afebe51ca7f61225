package io.jobworker.cli.connect;

import io.jobworker.base.net.HostAndPort;

/**
 * Which server, and as whom.
 *
 * @param name the server's, as its certificate has it
 */
record Destination(HostAndPort server, String name, Pem authorities, Pem certificate, Pem key) {
  @Override
  public String toString() {
    return "server "
        + server
        + " by the name "
        + name
        + ", as the client of "
        + certificate.origin();
  }
}
