package io.jobworker.server.config;

import static java.util.Objects.requireNonNull;

import io.jobworker.base.linux.DirectoryLock;
import io.jobworker.base.linux.PrivateFiles;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collections;
import java.util.Set;

/** The server's directory: what lies where in it. */
public record ServerDirectory(Path path) {
  private static final Set<PosixFilePermission> OTHERS =
      PosixFilePermissions.fromString("---rwxrwx");

  public ServerDirectory {
    path = path.toAbsolutePath().normalize();
  }

  public Path config() {
    return path.resolve("server.toml");
  }

  public Path caCertificate() {
    return path.resolve("ca.crt");
  }

  public Path caKey() {
    return path.resolve("ca.key");
  }

  public Path serverCertificate() {
    return path.resolve("server.crt");
  }

  public Path serverKey() {
    return path.resolve("server.key");
  }

  /** The internal database of clients. */
  public Path database() {
    return path.resolve("clients.db");
  }

  /** What a client needs to connect, by its name. */
  public Path clientConfig(String name) {
    return path.resolve("clients").resolve(name + ".toml");
  }

  /** Where the server listens; there while it is ready to accept. */
  public Path address() {
    return run().resolve("address");
  }

  /** What is of use only while a server runs. */
  public Path run() {
    return path.resolve("run");
  }

  /**
   * Keeps a second server off, which would write into the first one's files. The caller closes it.
   *
   * @throws ConfigException if there is a first one
   */
  public DirectoryLock lock() {
    try {
      createPrivately(run());
      return DirectoryLock.tryTake(run())
          .orElseThrow(() -> new ConfigException(DirectoryLock.refusal(path)));
    } catch (IOException e) {
      throw new ConfigException("cannot lock " + run() + ": " + e.getMessage());
    }
  }

  /** A path of {@code server.toml}: absolute, or below this directory. */
  public Path resolve(String fromConfig) {
    return path.resolve(fromConfig).normalize();
  }

  /** Makes a directory, and those above it, that only its owner can enter. */
  public static void createPrivately(Path directory) throws IOException {
    Files.createDirectories(directory, PrivateFiles.DIRECTORY);
  }

  /** Makes the directory that {@code file} is to lie in. */
  public static void createParentPrivately(Path file) throws IOException {
    createPrivately(requireNonNull(file.getParent()));
  }

  /** Writes a new file that only its owner can read. An existing one is never overwritten. */
  public static void writeNew(Path file, String text) throws IOException {
    Files.createFile(file, PrivateFiles.FILE);
    Files.writeString(file, text, StandardCharsets.UTF_8, StandardOpenOption.WRITE);
  }

  /** Puts {@code text} in place of the file's content in one step. */
  public static void replace(Path file, String text) throws IOException {
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    writeNew(fresh, text);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
  }

  /**
   * Refuses a file that others than its owner can read or write, or that belongs to another user.
   *
   * @throws ConfigException with what to do about it
   */
  public static void requirePrivate(Path file) {
    require(file, OTHERS, "600");
  }

  /** Refuses a directory that others than its owner can enter, or that belongs to another user. */
  public static void requirePrivateDirectory(Path directory) {
    require(directory, OTHERS, "700");
  }

  /** Refuses a directory in which others than its owner could put their files. */
  public static void requireOwnDirectory(Path directory) {
    require(directory, PrivateFiles.OTHERS_WRITE, "go-w");
  }

  private static void require(Path path, Set<PosixFilePermission> forbidden, String mode) {
    try {
      PosixFileAttributes attributes = Files.readAttributes(path, PosixFileAttributes.class);
      if (!Collections.disjoint(attributes.permissions(), forbidden)) {
        throw new ConfigException(
            path + " is open to other users; run: chmod " + mode + " " + path);
      }
      if (!PrivateFiles.isOurs(attributes)) {
        throw new ConfigException(
            path
                + " belongs to the user "
                + attributes.owner().getName()
                + "; run: chown "
                + PrivateFiles.self().getName()
                + " "
                + path);
      }
    } catch (IOException e) {
      throw new ConfigException("cannot read " + path);
    }
  }
}
