package io.jobworker.cli.command;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.jobworker.cli.connect.Connector;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;

/**
 * The job that was started last with a client's configuration: {@code @last}. Kept in a file below
 * {@code $XDG_STATE_HOME/job-worker}, which only its owner can read.
 */
final class LastJob {
  private static final FileAttribute<Set<PosixFilePermission>> OWNERS_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final int NAME_BYTES = 8;

  private final Path file;

  private LastJob(Path file) {
    this.file = file;
  }

  static LastJob of(Connector server) {
    return new LastJob(stateHome().resolve("job-worker/last").resolve(name(server.account())));
  }

  /** As the XDG Base Directory Specification has it: what is not absolute is to be ignored. */
  private static Path stateHome() {
    String named = System.getenv("XDG_STATE_HOME");
    return named != null && named.startsWith("/")
        ? Path.of(named)
        : Path.of(System.getProperty("user.home"), ".local", "state");
  }

  private static String name(String account) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(account.getBytes(UTF_8));
      return HexFormat.of().formatHex(digest, 0, NAME_BYTES);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every Java has it
    }
  }

  /** Its id; empty if none was started. */
  Optional<String> id() throws IOException {
    try {
      return Optional.of(Files.readString(file, US_ASCII).strip());
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** From now on it is this one. That it cannot be kept is said, and fails nothing. */
  void remember(String id, PrintWriter err) {
    try {
      Path directory = file.resolveSibling("");
      Files.createDirectories(directory, OWNERS_DIRECTORY);
      Path fresh = Files.createTempFile(directory, "last", ".new"); // mode 0600
      Files.writeString(fresh, id + "\n", US_ASCII);
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      err.println("job-worker: note: @last does not mean this job; cannot write " + file);
      err.flush();
    }
  }
}
