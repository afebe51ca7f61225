package io.jobworker.base.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProcessCallsTest {
  @TempDir Path directory;

  /** A JVM has open what it did not say close-on-exec of: its jars, for a start. */
  @Test
  void aChildHasWhatItWasGivenAndNothingElse() throws Exception {
    Path given = Files.writeString(directory.resolve("given"), "for the child\n");
    String script =
        "cd "
            + directory
            + "; cat <&3 >read; exec >open; for fd in $(seq 3 500); do"
            + " [ -e /proc/$$/fd/$fd ] && echo $fd; done; mv open found";
    try (Fd file = FileCalls.open(given, FileCalls.O_RDONLY)) {
      ProcessCalls.reap(
          ProcessCalls.spawn(Path.of("/bin/sh"), "sh", List.of("-c", script), List.of(file)));
    }
    assertThat(directory.resolve("read")).hasContent("for the child");
    assertThat(directory.resolve("found")).hasContent("3");
  }
}
