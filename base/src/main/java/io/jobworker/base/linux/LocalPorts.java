package io.jobworker.base.linux;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Which ports the kernel gives to those who do not choose one (ip-sysctl.rst). */
public final class LocalPorts {
  private static final Path SETTINGS = Path.of("/proc/sys/net/ipv4");

  private LocalPorts() {}

  /** Whether it may give this one, as far as is known. */
  public static boolean isGivenAway(int port) {
    try {
      return isGivenAway(
          port,
          Files.readString(SETTINGS.resolve("ip_local_port_range")),
          Files.readString(SETTINGS.resolve("ip_local_reserved_ports")));
    } catch (IOException | NumberFormatException e) {
      return false;
    }
  }

  static boolean isGivenAway(int port, String range, String reserved) {
    String[] ends = range.strip().split("\\s+");
    return isWithin(port, ends[0], ends[ends.length - 1]) && !isListed(port, reserved.strip());
  }

  private static boolean isListed(int port, String list) {
    for (String part : list.split(",")) {
      String[] ends = part.split("-");
      if (!part.isEmpty() && isWithin(port, ends[0], ends[ends.length - 1])) {
        return true;
      }
    }
    return false;
  }

  private static boolean isWithin(int port, String first, String last) {
    return port >= Integer.parseInt(first) && port <= Integer.parseInt(last);
  }
}
