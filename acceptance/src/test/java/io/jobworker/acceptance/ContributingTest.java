package io.jobworker.acceptance;

import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code CONTRIBUTING.md} lists the files that an addition touches. */
class ContributingTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern FILE = Pattern.compile("- `([^`]+/src/main/[^`]+)`");

  private static Set<String> listed(String addition) throws IOException {
    String page = Files.readString(ROOT.resolve("CONTRIBUTING.md"));
    int start = page.indexOf("**" + addition + "**");
    assertThat(start).as(addition).isNotNegative();
    int end = page.indexOf("\n\n", start);
    return FILE.matcher(page.substring(start, end))
        .results()
        .map(match -> match.group(1))
        .collect(toCollection(TreeSet::new));
  }

  private static Set<String> naming(Pattern name) throws IOException {
    Set<String> found = new TreeSet<>();
    for (String module : Set.of("api", "core", "server", "cli")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/main"))) {
        files
            .filter(Files::isRegularFile)
            .filter(file -> name.matcher(text(file)).find())
            .forEach(file -> found.add(ROOT.relativize(file).toString()));
      }
    }
    return found;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "limit, (?i)memory[_-]?high",
    "quota, (?i)starts[_-]?per[_-]?second",
    "verb, 'rpc Remove\\b|\"Remove\"|Remove(Method|Command)\\b'",
  })
  void theListOfFilesIsThatOfAnAdditionThatWasMade(String addition, Pattern name) throws Exception {
    assertThat(listed(addition)).isEqualTo(naming(name));
  }

  @Test
  void thereAreNoMoreThanFiveForALimit() throws Exception {
    assertThat(listed("limit")).hasSizeLessThanOrEqualTo(5);
  }

  @Test
  void theFilesOfAnAuditEventAreThere() throws Exception {
    assertThat(listed("audit event"))
        .isNotEmpty()
        .allSatisfy(file -> assertThat(ROOT.resolve(file)).exists());
  }
}
