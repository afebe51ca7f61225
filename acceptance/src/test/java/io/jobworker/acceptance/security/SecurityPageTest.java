package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/security.md} names tests that there are. */
class SecurityPageTest {
  private static final Path PAGE = Path.of("../docs/security.md");
  private static final Pattern TEST = Pattern.compile("`(?:[^`]*/)?(\\w+Test)?(?:\\.(\\w+))?`");

  private static String source(String suite) throws IOException {
    for (String module : List.of("acceptance", "server", "core")) {
      try (Stream<Path> files = Files.walk(Path.of("..", module, "src/test/java"))) {
        List<Path> found = files.filter(file -> file.endsWith(suite + ".java")).toList();
        if (!found.isEmpty()) {
          return Files.readString(found.getFirst());
        }
      }
    }
    throw new AssertionError("there is no " + suite);
  }

  @Test
  void everyTestThatItNamesIsThere() throws Exception {
    int named = 0;
    for (String row : Files.readAllLines(PAGE)) {
      String suite = "";
      for (MatchResult match : TEST.matcher(row).results().toList()) {
        if (!row.startsWith("| ") || (match.group(1) == null && match.group(2) == null)) {
          continue;
        }
        suite = match.group(1) == null ? suite : match.group(1);
        assertThat(source(suite))
            .as(row)
            .contains(match.group(2) == null ? suite : "void " + match.group(2) + "(");
        named++;
      }
    }
    assertThat(named).isGreaterThan(30);
  }
}
