package io.jobworker.base.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
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

  /** As it is in a child of another thread, for a moment. */
  @Test
  void aProgramThatIsOpenForWritingIsWaitedFor() throws Exception {
    Path program = Files.copy(Path.of("/bin/true"), directory.resolve("program"));
    CompletableFuture<Integer> status = new CompletableFuture<>();
    Thread spawner =
        Thread.ofPlatform()
            .unstarted(() -> {
              try {
                int pid = ProcessCalls.spawn(program, "program", List.of());
                status.complete(ProcessCalls.reap(pid));
              } catch (Exception e) {
                status.completeExceptionally(e);
              }
            });
    try (FileChannel _ = FileChannel.open(program, StandardOpenOption.WRITE)) {
      spawner.start();
      while (spawner.getState() != Thread.State.TIMED_WAITING && !status.isDone()) {
        Thread.onSpinWait();
      }
      assertThat(status).isNotDone();
    }
    assertThat(status.get(1, TimeUnit.MINUTES)).isZero();
  }
}
