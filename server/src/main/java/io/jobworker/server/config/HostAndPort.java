package io.jobworker.server.config;

import java.net.InetSocketAddress;

/** An address as the configuration writes it: HOST:PORT. */
public record HostAndPort(String host, int port) {
  /**
   * Reads {@code localhost:7443} or {@code [::1]:7443}.
   *
   * @throws ConfigException if it is neither
   */
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

  public HostAndPort withPort(int newPort) {
    return new HostAndPort(host, newPort);
  }

  /**
   * Asks the resolver for the host.
   *
   * @throws ConfigException if it knows none by that name
   */
  public InetSocketAddress resolve() {
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
