package io.jobworker.acceptance.support;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A server's directory with the clients alice and bob, which is made once and copied: keys and
 * certificates take their time.
 */
final class PreparedDirectory {
  private static final Path MADE = make();

  private PreparedDirectory() {}

  private static Path make() {
    try {
      Path parent = Files.createTempDirectory("job-worker-prepared-");
      Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().unstarted(() -> delete(parent)));
      String directory = parent.resolve("server").toString();
      Programs.call(Programs.SERVER, List.of("init", "--dir", directory)).succeeded();
      for (String client : List.of("alice", "bob")) {
        Programs.call(Programs.SERVER, List.of("client", "add", client, "--dir", directory))
            .succeeded();
      }
      return Path.of(directory);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Makes {@code directory} another one. */
  static void copyTo(Path directory) throws IOException {
    try (Stream<Path> files = Files.walk(MADE)) {
      for (Path file : files.toList()) {
        Files.copy(
            file,
            directory.resolve(MADE.relativize(file).toString()),
            StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
  }

  /** Deletes a directory with all that is in it. */
  static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
