package io.jobworker.server.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.base.units.ByteSize;
import io.jobworker.base.words.OsString;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.slf4j.Logger;

@Timeout(120)
class AuditLogTest {
  @TempDir private Path parent = Path.of("");

  @ParameterizedTest
  @ValueSource(strings = {"plain", "it's \"a\" 100%d of %i", "a(b[c {x} ${y}", "gr\u00fcn \\ ?#\n"})
  void isRotatedInADirectoryOfAnyName(String name) throws Exception {
    Path directory = OsString.path(OsString.of(parent) + "/" + name);
    Files.createDirectory(
        directory,
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    ServerConfig.Audit settings =
        new ServerConfig.Audit("audit/audit.jsonl", ByteSize.of(64 << 10), 2, List.of());
    Path audit = directory.resolve("audit");
    Logger log = AuditLog.open(settings, new ServerDirectory(directory));
    try {
      Awaitility.await()
          .atMost(java.time.Duration.ofSeconds(60))
          .until(() -> {
            for (int i = 0; i < 100; i++) {
              log.atInfo().addKeyValue("text", "x".repeat(900)).log("test.event");
            }
            return names(audit).contains("audit.jsonl.2");
          });
    } finally {
      AuditLog.close();
    }
    assertThat(names(audit))
        .containsExactlyInAnyOrder("audit.jsonl", "audit.jsonl.1", "audit.jsonl.2");
    assertThat(names(directory)).containsExactly("audit");
    assertThat(audit.resolve("audit.jsonl.1")).content().startsWith("{").contains("test.event");
  }

  private static List<String> names(Path directory) throws IOException {
    List<String> names = new ArrayList<>();
    try (var entries = Files.newDirectoryStream(directory)) {
      entries.forEach(entry -> names.add(String.valueOf(entry.getFileName())));
    }
    return names;
  }

  @Test
  void anArgumentThatIsNoUtf8IsShownByItsBytes() {
    ArgvMask mask = new ArgvMask(List.of(Pattern.compile("(?<=secret=).+")));
    String latin = OsString.of(new byte[] {'c', (byte) 0xe9});
    assertThat(mask.mask(List.of("prog", latin, "secret=hunter" + latin)).arguments())
        .containsExactly("prog", "c\\xe9", "secret=***");
  }
}
