package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What is shipped of others is what somebody has looked at: {@code scripts/pin-dependencies}. */
class DependenciesTest {
  private static final Path ROOT = Path.of("..");

  @Test
  void eachJarThatIsShippedHasThePinnedSumAndNoneIsMissing() throws Exception {
    TreeSet<String> shipped = new TreeSet<>();
    for (String module : List.of("server", "cli")) {
      try (Stream<Path> jars = Files.list(ROOT.resolve(module).resolve("target/jars"))) {
        for (Path jar : jars.toList()) {
          if (!jar.getFileName().toString().startsWith("job-worker-")) {
            shipped.add(sum(jar) + "  " + jar.getFileName());
          }
        }
      }
    }
    assertThat(shipped)
        .containsExactlyInAnyOrderElementsOf(
            Files.readAllLines(ROOT.resolve("dependencies.sha256")));
  }

  private static String sum(Path jar) throws Exception {
    byte[] sum = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(jar));
    return HexFormat.of().formatHex(sum);
  }
}
