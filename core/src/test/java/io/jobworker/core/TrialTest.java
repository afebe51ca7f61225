package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A library that could start no job says so when it is opened, and what to do. */
class TrialTest {
  @TempDir Path directory;

  @AfterEach
  void removeCgroups() {
    TestJobs.removeCgroups();
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }

  @Test
  void nothingIsLeftOfATrial() throws IOException {
    Path state = directory.resolve("state");
    Jobs.open(TestJobs.config(state)).close();
    try (Stream<Path> left = Files.list(state.resolve("trials"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void aStateDirectoryThatNothingCanBeExecutedFromIsRefused() throws Exception {
    assumeTrue(ProcessCalls.isRoot(), "only root may mount");
    Path disk = Files.createDirectory(directory.resolve("disk"));
    run("mount", "-t", "tmpfs", "-o", "noexec,size=32m,mode=0700", "none", disk.toString());
    try {
      assertThatThrownBy(() -> Jobs.open(TestJobs.config(disk.resolve("state"))))
          .isInstanceOf(JobException.StateRefused.class)
          .hasMessageStartingWith("jobs cannot be started here: the launcher cannot be executed")
          .hasMessageContaining("noexec?");
    } finally {
      run("umount", disk.toString());
    }
  }

  @Test
  void aLauncherThatSomebodyHasEmptiedOrDeletedIsUnpackedAnew() throws Exception {
    try (TestJobs jobs = new TestJobs(directory.resolve("state"))) {
      Path launcher = launcher(jobs.state()).orElseThrow();
      Files.write(launcher, new byte[0], StandardOpenOption.TRUNCATE_EXISTING);
      assertEnds(jobs);
      assertThat(launcher).isNotEmptyFile();
      Files.delete(launcher);
      assertEnds(jobs);
      assertThat(launcher).isNotEmptyFile();
    }
  }

  @Test
  void whatATrialHasLeftWhoseServerDiedIsRemoved() throws IOException {
    Path state = directory.resolve("state");
    Path trials = Files.createDirectories(state.resolve("trials"));
    Path left = Files.createDirectory(trials.resolve(UUID.randomUUID().toString()));
    Files.createFile(Files.createDirectory(left.resolve("work")).resolve("file"));
    Files.createFile(left.resolve("life"));
    Files.setLastModifiedTime(left, FileTime.from(Instant.now().minusSeconds(3600)));
    Jobs.open(TestJobs.config(state)).close();
    assertThat(trials).isEmptyDirectory();
  }

  @Test
  void aShortageIsNoReasonNotToServe() throws Exception {
    try (TestJobs jobs = new TestJobs(directory.resolve("state"))) {
      JobStatus job = jobs.shell("echo up; sleep 1000", Limits.NONE);
      Path most = jobs.slot(job).resolveSibling("cgroup.max.descendants"); // EAGAIN beyond it
      jobs.restart(() -> Files.writeString(most, "0"));
      assertThat(jobs.jobs().find(job.id()).status().state()).isEqualTo(JobState.RUNNING);
      assertThatThrownBy(() -> jobs.shell("true", Limits.NONE))
          .isInstanceOf(JobException.Unavailable.class);
      Files.writeString(most, "max");
      assertEnds(jobs);
    }
  }

  private static void assertEnds(TestJobs jobs) {
    JobStatus job = jobs.ended(jobs.shell("exit 3", Limits.NONE));
    assertThat(job.end().orElseThrow().exitCode()).hasValue(3);
  }

  private static Optional<Path> launcher(Path state) throws IOException {
    try (Stream<Path> files = Files.list(state)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("launcher-"))
          .findFirst();
    }
  }
}
