package io.jobworker.server.transport;

import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.HexFormat;

/**
 * Where a connection comes from, as far as it can be told from another: whoever has one address of
 * IPv6 has all of its /64.
 *
 * @param network the address's /24, of IPv6 its /48: those in one are perhaps one
 */
record Source(String address, String network) {
  private static final int IPV4_BYTES = 4;
  private static final int IPV4_NETWORK = 3;
  private static final int IPV6_ADDRESS = 8;
  private static final int IPV6_NETWORK = 6;

  static Source of(SocketAddress peer) {
    if (!(peer instanceof InetSocketAddress inet) || inet.isUnresolved()) {
      return new Source(peer.toString(), "");
    }
    byte[] bytes = inet.getAddress().getAddress();
    return bytes.length == IPV4_BYTES
        ? new Source(first(IPV4_BYTES, bytes), first(IPV4_NETWORK, bytes))
        : new Source(first(IPV6_ADDRESS, bytes), first(IPV6_NETWORK, bytes));
  }

  private static String first(int count, byte[] bytes) {
    return HexFormat.of().formatHex(bytes, 0, count);
  }
}
