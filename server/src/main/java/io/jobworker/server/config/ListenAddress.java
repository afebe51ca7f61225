package io.jobworker.server.config;

import io.jobworker.base.net.HostAndPort;
import java.net.InetSocketAddress;

/** Where the configuration says that something is listened on. */
public final class ListenAddress {
  private ListenAddress() {}

  /**
   * Reads what {@code where}, a key or an option, says.
   *
   * @throws ConfigException if it is no address
   */
  public static HostAndPort parse(String where, String text) {
    try {
      return HostAndPort.parse(text);
    } catch (IllegalArgumentException e) {
      throw new ConfigException(where + ": " + e.getMessage());
    }
  }

  /**
   * Asks the resolver for the host.
   *
   * @throws ConfigException if it knows none by that name
   */
  public static InetSocketAddress resolve(HostAndPort address) {
    InetSocketAddress found = new InetSocketAddress(address.host(), address.port());
    if (found.isUnresolved()) {
      throw new ConfigException("cannot find the host '" + address.host() + "'");
    }
    return found;
  }
}
