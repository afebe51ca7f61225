package io.jobworker.server.command;

import io.jobworker.server.config.ServerDirectory;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option {@code --dir} that every verb has. */
public final class DirectoryOption {
  @Option(
      names = "--dir",
      paramLabel = "DIR",
      required = true,
      description = "The server's directory: configuration, keys, database, state.")
  private Path dir = Path.of(".");

  ServerDirectory directory() {
    return new ServerDirectory(dir);
  }
}
