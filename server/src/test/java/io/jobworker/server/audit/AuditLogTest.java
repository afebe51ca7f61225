package io.jobworker.server.audit;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.base.units.ByteSize;
import io.jobworker.base.words.OsString;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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
    Path audit = directory.resolve("audit");
    try (AuditLog log = AuditLog.open(settings(), new ServerDirectory(directory))) {
      for (int i = 0; i < 200; i++) {
        write(log, i);
      }
      assertThat(log.lost()).isZero();
    }
    assertThat(names(audit))
        .containsExactlyInAnyOrder(
            "audit.jsonl", "audit.jsonl.1", "audit.jsonl.2", "audit.jsonl.reserve");
    assertThat(names(directory)).containsExactly("audit");
    List<Integer> kept = numbers(audit, "audit.jsonl.2", "audit.jsonl.1", "audit.jsonl");
    assertThat(kept)
        .as("the newest ones")
        .isEqualTo(IntStream.range(200 - kept.size(), 200).boxed().toList());
    for (String file : List.of("audit.jsonl.2", "audit.jsonl.1", "audit.jsonl")) {
      assertThat(Files.size(audit.resolve(file))).isBetween(1L, 64L << 10);
    }
  }

  private static void write(AuditLog log, int number) {
    log.lines()
        .atInfo()
        .addKeyValue("number", number)
        .addKeyValue("text", "x".repeat(900))
        .log("test.event");
  }

  private static List<Integer> numbers(Path audit, String... names) throws IOException {
    List<Integer> numbers = new ArrayList<>();
    for (String name : names) {
      for (String line : Files.readAllLines(audit.resolve(name))) {
        Matcher number = Pattern.compile("\"number\":(\\d+),.*}").matcher(line);
        assertThat(number.find()).as(line).isTrue();
        numbers.add(Integer.parseInt(number.group(1)));
      }
    }
    return numbers;
  }

  @Test
  void goesOnInTheFileThatItHasUntilAnotherCanBeBegun() throws Exception {
    Path audit = parent.resolve("audit");
    try (AuditLog log = AuditLog.open(settings(), new ServerDirectory(parent))) {
      write(log, 0);
      Files.move(audit.resolve("audit.jsonl"), audit.resolve("moved"));
      Files.createDirectory(audit.resolve("audit.jsonl")); // which nobody can write
      log.reopen();
      write(log, 1);
      assertThat(numbers(audit, "moved")).containsExactly(0, 1);
      Files.delete(audit.resolve("audit.jsonl"));
      Files.createFile(
          audit.resolve("audit.jsonl"),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--")));
      write(log, 2);
      assertThat(numbers(audit, "moved")).as("others could read it").containsExactly(0, 1, 2);
      Files.delete(audit.resolve("audit.jsonl"));
      write(log, 3);
      assertThat(log.lost()).isZero();
    }
    assertThat(numbers(audit, "moved")).containsExactly(0, 1, 2);
    assertThat(numbers(audit, "audit.jsonl")).containsExactly(3);
  }

  @Test
  void goesOnInTheFileThatItHasWhileItCannotBeRotated() throws Exception {
    Path audit = parent.resolve("audit");
    try (AuditLog log = AuditLog.open(settings(), new ServerDirectory(parent))) {
      Files.createDirectory(audit.resolve("audit.jsonl.1"));
      Files.createFile(audit.resolve("audit.jsonl.1/kept")); // over which nothing can be moved
      Files.createFile(audit.resolve("audit.jsonl.2"));
      for (int i = 0; i < 100; i++) {
        write(log, i);
      }
      assertThat(log.lost()).isZero();
    }
    assertThat(numbers(audit, "audit.jsonl")).isEqualTo(IntStream.range(0, 100).boxed().toList());
    assertThat(audit.resolve("audit.jsonl.1/kept")).exists();
  }

  @Test
  void whoeverIsInterruptedWhileWritingSpoilsItForNobody() throws Exception {
    try (AuditLog log = AuditLog.open(settings(), new ServerDirectory(parent))) {
      Thread.currentThread().interrupt();
      write(log, 0);
      assertThat(Thread.interrupted()).isTrue();
      write(log, 1);
      assertThat(log.lost()).isZero();
    }
    assertThat(numbers(parent.resolve("audit"), "audit.jsonl")).containsExactly(0, 1);
  }

  @Test
  void aLineThatSomebodyDiedWritingSpoilsNoOther() throws Exception {
    Path audit =
        Files.createDirectory(
            parent.resolve("audit"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    Path file =
        Files.createFile(
            audit.resolve("audit.jsonl"),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.writeString(file, "{\"torn");
    try (AuditLog log = AuditLog.open(settings(), new ServerDirectory(parent))) {
      write(log, 0);
    }
    assertThat(Files.readAllLines(file))
        .hasSize(2)
        .element(1)
        .asString()
        .startsWith("{")
        .contains("\"number\":0");
  }

  private static ServerConfig.Audit settings() {
    return new ServerConfig.Audit("audit/audit.jsonl", ByteSize.of(64 << 10), 2, true, List.of());
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

  @Test
  void whatIsMaskedFromTheStartTakesOutTheSecretAndNothingBeforeIt() throws Exception {
    Path file = parent.resolve("server.toml");
    try (InputStream shipped = ServerConfig.class.getResourceAsStream("/server.toml")) {
      Files.copy(Objects.requireNonNull(shipped), file);
    }
    ArgvMask mask = new ArgvMask(ServerConfig.read(file).audit().patterns());
    for (String[] row :
        new String[][] {
          {"--token=hunter2", "--token=***"},
          {"PGPASSWORD=hunter2", "PGPASSWORD=***"},
          {"AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***"},
          {"{\"user\": \"a\", \"password\": \"hunter2\"}", "{\"user\": \"a\", \"password\":***"},
          {"{\\\"password\\\": \\\"hunter2\\\"}", "{\\\"password\\\":***"},
          {"Authorization: Bearer hunter2", "Authorization: Bearer ***"},
          {"Authorization: Token hunter2", "Authorization: Token ***"},
          {"authorization:hunter2", "authorization:***"},
          {"bearer\thunter2", "bearer\t***"},
          {"x-api-key: hunter2", "x-api-key:***"},
          {"postgres://bob:hunter2@db/x?a=1", "postgres://bob:***@db/x?a=1"},
          {"git clone https://bob:hun:ter2@host/r", "git clone https://bob:***@host/r"},
          {"amqp://" + "u".repeat(200) + ":hunter2@h", "amqp://" + "u".repeat(200) + ":***@h"},
          {"https://host:8443/path@2", "https://host:8443/path@2"},
          {"compass north", "compass north"},
        }) {
      assertThat(mask.mask(List.of("prog", row[0], "visible")).arguments())
          .containsExactly("prog", row[1], "visible");
    }
    assertThat(
            mask.mask(List.of("a", "--db-password", "hunter2", "b", "-token", "x y")).arguments())
        .containsExactly("a", "--db-password", "***", "b", "-token", "***");
    assertThat(mask.mask(List.of("basic", "curl -H 'Bearer hunter2'")).arguments())
        .containsExactly("basic", "*** -H 'Bearer ***");
  }

  @Test
  void whatAPatternDoesNotExpectIsMaskedRatherThanWritten() {
    Pattern optional = Pattern.compile("key(?:=(?<secret>\\w+))?");
    Pattern ahead = Pattern.compile("key(?==(?<secret>\\w+))|=");
    Pattern deep = Pattern.compile("(?<secret>(?:a|b|ab)*)c");
    assertThat(new ArgvMask(List.of(optional)).mask(List.of("key=hunter2 key x")).arguments())
        .containsExactly("key=*** *** x");
    assertThat(new ArgvMask(List.of(ahead)).mask(List.of("key=hunter2 x")).arguments().getFirst())
        .startsWith("key=***")
        .doesNotContain("hunter2");
    assertThat(new ArgvMask(List.of(deep)).mask(List.of("ab".repeat(4000), "x")).arguments())
        .containsExactly("***", "x");
  }
}
