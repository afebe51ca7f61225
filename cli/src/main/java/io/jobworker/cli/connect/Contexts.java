package io.jobworker.cli.connect;

import io.jobworker.base.usage.Nearest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * The servers that a configuration knows, each by a name: {@code [contexts.NAME]} with the file of
 * a client, relative to the configuration, and which of them is meant where none is named. A file
 * of a client is a configuration too, which knows one server and has no names.
 */
public final class Contexts {
  private static final String CONTEXTS = "contexts";
  private static final String CURRENT = "current";
  private static final String CONFIG = "config";
  private static final Pattern CURRENT_LINE = Pattern.compile("\\s*current\\s*=.*");

  private final Path file;
  private final Optional<String> current;
  private final Map<String, Path> clientFiles;

  private Contexts(Path file, Optional<String> current, Map<String, Path> clientFiles) {
    this.file = file;
    this.current = current;
    this.clientFiles = clientFiles;
  }

  /**
   * Those of a configuration; none, if it is a client's own file, or not there.
   *
   * @throws UsageException if it cannot be understood
   */
  public static Contexts of(Path file) {
    JsonNode root;
    try {
      root = TomlMapper.builder().build().readTree(Files.readString(file));
    } catch (IOException | JacksonException e) {
      return new Contexts(file, Optional.empty(), Map.of()); // whoever reads all of it says more
    }
    Map<String, Path> clientFiles = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> context : root.path(CONTEXTS).properties()) {
      String config = context.getValue().path(CONFIG).asString("");
      if (config.isEmpty() || context.getValue().size() != 1) {
        throw new UsageException(
            file + ": [contexts." + context.getKey() + "] takes config = \"FILE\", and no more");
      }
      clientFiles.put(context.getKey(), file.toAbsolutePath().resolveSibling(config).normalize());
    }
    String current = root.path(CURRENT).asString("");
    return new Contexts(
        file, current.isEmpty() ? Optional.empty() : Optional.of(current), clientFiles);
  }

  /** Where they are written down. */
  public Path file() {
    return file;
  }

  public List<String> names() {
    return List.copyOf(clientFiles.keySet());
  }

  /** The one that is meant where none is named. */
  public Optional<String> current() {
    return current;
  }

  /**
   * The client's file of a context.
   *
   * @throws UsageException if there is none of this name
   */
  public Path clientFile(String name) {
    Path found = clientFiles.get(name);
    if (found == null) {
      throw new UsageException(
          "there is no context '"
              + name
              + "' in "
              + file
              + (clientFiles.isEmpty() ? "" : ", but " + String.join(", ", names()))
              + Nearest.hint(name, names()));
    }
    return found;
  }

  /**
   * The client's file to use.
   *
   * @param named on the command line
   * @param byEnvironment in the environment, which counts only where there are contexts
   * @throws UsageException if none is meant, or there is none of that name
   */
  Path chosen(Optional<String> named, Optional<String> byEnvironment) {
    if (named.isEmpty() && clientFiles.isEmpty()) {
      return file;
    }
    return clientFile(
        named
            .or(() -> byEnvironment)
            .or(this::current)
            .orElseThrow(() ->
                new UsageException(
                    "which context? 'job-worker context use NAME' sets one of "
                        + String.join(", ", names()))));
  }

  /**
   * Has this context be meant from now on where none is named.
   *
   * @throws UsageException if there is none of this name
   */
  public void use(String name) throws IOException {
    var _ = clientFile(name);
    Path real = file.toRealPath(); // it may be a link, which is to stay one
    List<String> lines = new ArrayList<>(Files.readAllLines(real));
    String line = CURRENT + " = \"" + name + "\"";
    int at = 0;
    while (at < lines.size()
        && !lines.get(at).stripLeading().startsWith("[")
        && !CURRENT_LINE.matcher(lines.get(at)).matches()) {
      at++;
    }
    if (at < lines.size() && CURRENT_LINE.matcher(lines.get(at)).matches()) {
      lines.set(at, line);
    } else {
      lines.addFirst(line);
    }
    Path fresh =
        Files.createTempFile(
            real.getParent(),
            "config",
            ".new",
            PosixFilePermissions.asFileAttribute(Files.getPosixFilePermissions(real)));
    Files.write(fresh, lines);
    Files.move(fresh, real, StandardCopyOption.ATOMIC_MOVE);
  }
}
