package io.jobworker.base.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryLockTest {
  @TempDir Path directory;

  @Test
  void oneThatIsRefusedInTheSameProcessLeavesTheFirstOnesLock() throws Exception {
    Path link = Files.createSymbolicLink(directory.resolve("link"), directory);
    try (DirectoryLock _ = DirectoryLock.tryTake(directory).orElseThrow()) {
      assertThat(DirectoryLock.tryTake(directory)).isEmpty();
      assertThat(DirectoryLock.tryTake(link)).isEmpty();
      assertThat(isLocked()).isTrue();
    }
    assertThat(isLocked()).isFalse();
    try (DirectoryLock _ = DirectoryLock.tryTake(directory).orElseThrow()) {
      assertThat(isLocked()).isTrue();
    }
  }

  /** As the kernel sees it, which is what other processes go by (proc_locks(5)). */
  private boolean isLocked() throws IOException {
    Object inode = Files.getAttribute(directory.resolve("lock"), "unix:ino");
    String held = " %d [0-9a-f:]+:%s ".formatted(ProcessHandle.current().pid(), inode);
    return Files.readString(Path.of("/proc/locks"))
        .lines()
        .anyMatch(line -> line.matches(".*" + held + ".*"));
  }
}
