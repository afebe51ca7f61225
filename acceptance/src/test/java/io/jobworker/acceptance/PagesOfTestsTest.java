package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the pages say is shown by a test is shown by one that is there. */
class PagesOfTestsTest {
  private static final List<String> MODULES =
      List.of("base", "launcher", "core", "server", "cli", "acceptance");

  private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

  /** {@code path/Suite.method}, {@code Suite}, {@code .method} of the suite before it. */
  private static final Pattern JAVA = Pattern.compile("(?:.*/)?(\\w+Test)?(?:\\.(\\w+))?");

  private static final Pattern C_FILE = Pattern.compile("(?:launcher/test/)?(\\w+_test\\.c)");
  private static final Pattern C_TEST = Pattern.compile("[a-z0-9]+(_[a-z0-9]+)+");

  /** There may be several of a name. */
  private static List<String> sources(String suite) throws IOException {
    List<String> sources = new ArrayList<>();
    for (String module : MODULES) {
      Path tests = Path.of("..", module, "src/test/java");
      if (Files.isDirectory(tests)) {
        try (Stream<Path> files = Files.walk(tests)) {
          for (Path file : files.filter(path -> path.endsWith(suite + ".java")).toList()) {
            sources.add(Files.readString(file));
          }
        }
      }
    }
    return sources;
  }

  private static boolean has(List<String> sources, String test) {
    return sources.stream()
        .anyMatch(source -> source.contains("void " + test + "(") || source.contains(test + " ="));
  }

  @ParameterizedTest
  @ValueSource(strings = {"threat-model.md", "faults.md"})
  void everyTestThatItNamesIsThere(String page) throws Exception {
    int named = 0;
    for (String row : Files.readAllLines(Path.of("../docs", page))) {
      String[] columns = row.split(" \\| ", -1);
      if (!row.startsWith("| ") || columns.length < 2) {
        continue;
      }
      List<String> sources = List.of();
      for (MatchResult quoted : QUOTED.matcher(columns[columns.length - 1]).results().toList()) {
        String name = quoted.group(1);
        Matcher java = JAVA.matcher(name);
        Matcher file = C_FILE.matcher(name);
        if (file.matches()) {
          sources = List.of(Files.readString(Path.of("../launcher/test", file.group(1))));
        } else if (C_TEST.matcher(name).matches()) {
          assertThat(sources).as(row).anyMatch(source -> source.contains(name + "("));
          named++;
        } else if (java.matches() && (java.group(1) != null || java.group(2) != null)) {
          sources = java.group(1) == null ? sources : sources(java.group(1));
          assertThat(sources).as(row + ": " + name).isNotEmpty();
          assertThat(java.group(2) == null || has(sources, java.group(2)))
              .as(row + ": " + name)
              .isTrue();
          named++;
        }
      }
    }
    assertThat(named).isGreaterThan(30);
  }
}
