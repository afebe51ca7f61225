package io.jobworker.cli.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.cli.connect.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdFileTest {
  @TempDir private Path directory;

  @Test
  void theIdIsOnALineOfItsOwn() throws IOException {
    Path file = directory.resolve("id");
    try (IdFile id = IdFile.of(Optional.of(file))) {
      id.write("813c08e2");
    }
    assertThat(file).hasContent("813c08e2\n");
  }

  @Test
  void aFileThatIsThereIsLeftAsItIs() throws IOException {
    Path file = Files.writeString(directory.resolve("id"), "another");
    assertThatThrownBy(() -> IdFile.of(Optional.of(file)))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining(file.toString());
    assertThat(file).hasContent("another");
  }

  @Test
  void whereNoJobWasStartedNoFileIsLeft() throws IOException {
    Path file = directory.resolve("id");
    IdFile.of(Optional.of(file)).close();
    assertThat(file).doesNotExist();
  }

  @Test
  void aFileThatCannotBeMadeIsNamed() {
    Path file = directory.resolve("no/such/id");
    assertThatThrownBy(() -> IdFile.of(Optional.of(file)))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining(file.toString());
  }
}
