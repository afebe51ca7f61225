package io.jobworker.core.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.linux.EventLoop;
import io.jobworker.core.job.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On the kernel's own cgroups, with a process in the launcher's place. */
@Timeout(180)
class JobCgroupTest {
  @TempDir Path directory;
  private Path root;
  private EventLoop loop;
  private JobCgroup cgroup;
  private Process launcher;

  @BeforeEach
  void aProcessIsInTheLaunchersPlace() throws IOException {
    String name = "job-worker-cgroup-test-" + ProcessHandle.current().pid();
    loop = EventLoop.start("test");
    CgroupTree tree = CgroupTree.open(name, loop);
    assumeTrue(tree.available(), tree::problem);
    root = CgroupHost.inspect().mount().orElseThrow().resolve(name);
    JobPaths paths = new JobPaths(directory, Optional.empty(), Optional.empty());
    cgroup = tree.create("slot", Limits.NONE, paths, 0, 1000).orElseThrow();
    launcher = new ProcessBuilder("cat").start(); // until its stdin is closed
    Files.writeString(cgroup.monitor().resolve("cgroup.procs"), Long.toString(launcher.pid()));
  }

  @AfterEach
  void nothingIsLeft() throws Exception {
    if (root != null) {
      launcher.destroyForcibly().waitFor();
      cgroup.remove(Duration.ofMinutes(1));
      for (String below : new String[] {"jobs", "removal", ""}) {
        Files.deleteIfExists(root.resolve(below));
      }
    }
    loop.close();
  }

  @Test
  void aSlotIsRemovedAsSoonAsItsLauncherHasLeftIt() throws Exception {
    FutureTask<Void> removal =
        new FutureTask<>(() -> {
          cgroup.remove(Duration.ofMinutes(1));
          return null;
        });
    Thread remover = Thread.ofPlatform().start(removal);
    await()
        .atMost(Duration.ofMinutes(1))
        .until(() -> removal.isDone() || remover.getState() == Thread.State.TIMED_WAITING);
    assertThat(removal.isDone()).isFalse();
    launcher.getOutputStream().close();
    removal.get(1, TimeUnit.MINUTES);
    assertThat(root.resolve("jobs/slot")).doesNotExist();
  }

  @Test
  void aSlotThatIsNotLeftStaysAndThatIsSaid() {
    assertThatThrownBy(() -> cgroup.remove(Duration.ofMillis(10)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("do not end");
    assertThat(root.resolve("jobs/slot")).exists();
  }
}
