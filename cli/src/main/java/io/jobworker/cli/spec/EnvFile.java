package io.jobworker.cli.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jobworker.cli.connect.UsageException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Variables in a file, as docker reads them: {@code NAME=VALUE} a line, with everything behind the
 * sign as it is; {@code NAME} alone takes it from here; lines that begin with # are remarks.
 */
public final class EnvFile {
  private EnvFile() {}

  /**
   * The file's variables, as they are given to {@code --env}.
   *
   * @throws UsageException with the line that is wrong
   */
  public static List<String> read(Path file) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file, UTF_8);
    } catch (CharacterCodingException e) {
      throw new UsageException("--env-file: " + file + " is not UTF-8");
    } catch (IOException e) {
      throw new UsageException("--env-file: cannot read " + file);
    }
    List<String> variables = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).stripLeading();
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int equals = line.indexOf('=');
      String name = equals < 0 ? line.strip() : line.substring(0, equals);
      if (name.isEmpty() || name.chars().anyMatch(Character::isWhitespace)) {
        throw new UsageException(
            "--env-file: " + file + ", line " + (i + 1) + ": write NAME=VALUE, or NAME");
      }
      variables.add(equals < 0 ? name : line);
    }
    return variables;
  }
}
