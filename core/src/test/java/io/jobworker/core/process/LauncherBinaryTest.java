package io.jobworker.core.process;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LauncherBinaryTest {
  @TempDir Path directory;

  /** As a host's crash may leave it: the name was on the disk before the content. */
  @Test
  void anIncompleteLauncherIsReplaced() throws Exception {
    Path launcher = LauncherBinary.unpack(directory);
    byte[] whole = Files.readAllBytes(launcher);
    Files.write(launcher, new byte[0]);

    assertThat(LauncherBinary.unpack(directory)).isEqualTo(launcher).hasBinaryContent(whole);
    assertThat(launcher).isExecutable();
  }
}
