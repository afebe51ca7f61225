package io.jobworker.base.linux;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** The users of this host, as passwd(5) lists them. */
public final class PasswordFile {
  private static final Path FILE = Path.of("/etc/passwd");

  private PasswordFile() {}

  /** One user. */
  public record User(String name, int uid, int gid) {}

  public static Optional<User> find(String name) {
    try (var lines = Files.lines(FILE, ISO_8859_1)) {
      return lines
          .map(line -> line.split(":", -1))
          .filter(fields -> fields.length >= 4 && fields[0].equals(name))
          .map(fields -> new User(name, Integer.parseInt(fields[2]), Integer.parseInt(fields[3])))
          .findFirst();
    } catch (IOException | NumberFormatException e) {
      return Optional.empty();
    }
  }
}
