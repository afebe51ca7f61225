package io.jobworker.server.config;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;

/** Whatever is in the configuration file is read, or refused in one line. */
public final class ServerConfigFuzz {
  private static final Path FILE = Path.of("server.toml");

  private ServerConfigFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    try {
      ServerConfig.parse(FILE, new String(input, UTF_8));
    } catch (ConfigException e) {
      if (String.valueOf(e.getMessage()).lines().count() != 1) {
        throw new AssertionError("more than a line: " + e.getMessage());
      }
    }
  }
}
