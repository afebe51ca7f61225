package io.jobworker.server.config;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileChangesTest {
  private static final FileTime SOME_TIME = FileTime.fromMillis(1_000_000_000_000L);

  @TempDir private Path directory = Path.of("");
  private Path file = Path.of("");
  private FileChanges changes = new FileChanges(List.of());

  @BeforeEach
  void watch() throws IOException {
    file = directory.resolve("server.crt");
    write("one", 0);
    changes = new FileChanges(List.of(file, directory.resolve("missing")));
  }

  /** Whatever the clock of the file system says. */
  private void write(String text, int seconds) throws IOException {
    Files.writeString(file, text);
    Files.setLastModifiedTime(file, FileTime.fromMillis(SOME_TIME.toMillis() + 1000L * seconds));
  }

  @Test
  void whatDoesNotChangeIsNotTold() {
    assertThat(changes.look()).isFalse();
    assertThat(changes.look()).isFalse();
  }

  @Test
  void aChangeIsToldOnceItHasPausedAndThenNotAgain() throws IOException {
    write("", 1);
    assertThat(changes.look()).isFalse();
    write("two", 1);
    assertThat(changes.look()).isFalse();
    assertThat(changes.look()).isTrue();
    assertThat(changes.look()).isFalse();
  }

  @Test
  void aFileThatNeverPausesIsToldAllTheSame() throws IOException {
    int told = 0;
    for (int i = 1; i <= 8; i++) {
      write("more", i);
      told += changes.look() ? 1 : 0;
    }
    assertThat(told).isEqualTo(2);
  }

  @Test
  void anotherTimeOfTheSameSizeIsAChange() throws IOException {
    write("two", 1);
    assertThat(changes.look()).isFalse();
    assertThat(changes.look()).isTrue();
  }

  @Test
  void anotherFileOfTheSameSizeAndTimeInItsPlaceIsAChange() throws IOException {
    Path fresh = directory.resolve("server.crt.new");
    Files.writeString(fresh, "two");
    Files.setLastModifiedTime(fresh, SOME_TIME);
    Files.move(fresh, file, ATOMIC_MOVE);
    assertThat(changes.look()).isFalse();
    assertThat(changes.look()).isTrue();
  }

  @Test
  void aFileThatComesOrGoesIsAChange() throws IOException {
    Files.writeString(directory.resolve("missing"), "here");
    assertThat(changes.look()).isFalse();
    assertThat(changes.look()).isTrue();
    Files.delete(file);
    assertThat(changes.look()).isFalse();
    assertThat(changes.look()).isTrue();
  }

  @Test
  void aLinkThatIsSwitchedOverIsAChangeOfWhatIsBehindIt() throws IOException {
    Path mounted = directory.resolve("mounted");
    for (String generation : List.of("1", "2")) {
      Path files = Files.createDirectory(directory.resolve("..data-" + generation));
      Files.writeString(files.resolve("tls.crt"), "the same");
      Files.setLastModifiedTime(files.resolve("tls.crt"), SOME_TIME);
    }
    Files.createSymbolicLink(mounted, directory.resolve("..data-1"));
    FileChanges secret = new FileChanges(List.of(mounted.resolve("tls.crt")));
    Path fresh = Files.createSymbolicLink(directory.resolve("new"), directory.resolve("..data-2"));
    Files.move(fresh, mounted, ATOMIC_MOVE);
    assertThat(secret.look()).isFalse();
    assertThat(secret.look()).isTrue();
  }
}
