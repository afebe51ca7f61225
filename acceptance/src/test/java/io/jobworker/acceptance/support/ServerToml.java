package io.jobworker.acceptance.support;

import io.jobworker.server.config.ServerConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * A server's configuration as values by their keys, as in {@code "connections.max"}. Immutable. A
 * key that is none makes a server that refuses to start.
 */
public final class ServerToml {
  private static final TomlMapper TOML = TomlMapper.builder().build();

  private final ObjectNode root;

  private ServerToml(ObjectNode root) {
    this.root = root;
  }

  /** What {@code init} writes. */
  public static ServerToml shipped() {
    try (InputStream in = ServerConfig.class.getResourceAsStream("/server.toml")) {
      return new ServerToml((ObjectNode) TOML.readTree(Objects.requireNonNull(in)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Without a bound on what a client may have, for those who want to see what can be. */
  public static ServerToml withoutQuotas() {
    ServerToml toml = shipped();
    for (String quota : toml.root.path("quota").propertyNames()) {
      toml =
          quota.equals("retained-output")
              ? toml.with("quota." + quota, "0")
              : toml.with("quota." + quota, 0);
    }
    return toml;
  }

  /** This, but for one value. */
  public ServerToml with(String key, Object value) {
    ServerToml changed = new ServerToml(root.deepCopy());
    changed.table(key).set(name(key), TOML.valueToTree(value));
    return changed;
  }

  /** This without one key. */
  public ServerToml without(String key) {
    ServerToml changed = new ServerToml(root.deepCopy());
    JsonNode removed = changed.table(key).remove(name(key));
    if (removed == null) {
      throw new IllegalArgumentException("there is no " + key);
    }
    return changed;
  }

  private ObjectNode table(String key) {
    ObjectNode table = root;
    List<String> steps = List.of(key.split("\\.", -1));
    for (String step : steps.subList(0, steps.size() - 1)) {
      table = (ObjectNode) table.required(step);
    }
    return table;
  }

  private static String name(String key) {
    return key.substring(key.lastIndexOf('.') + 1);
  }

  /** Puts it in place of the file's content; the file's mode stays. */
  public void write(Path file) {
    try {
      Files.writeString(file, TOML.writeValueAsString(root));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
