package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.linux.ProjectQuota;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.RunAs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A job whose disk is limited tries to keep more than that. */
@Timeout(300)
@Tag("kernel")
class DiskLimitsTest {
  private static final int UID = 700_003;
  private static final long SIZE = 4 << 20;
  private static final Limits LIMITS = Limits.NONE.with(Limit.DISK, SIZE);

  @TempDir private Path directory;

  /** What each way to enforce it has to withstand. */
  abstract static class Attacks {
    private TestJobs jobs;

    /** The state directory. */
    abstract Path state() throws IOException;

    @BeforeEach
    void open() throws IOException {
      assumeTrue(ProcessCalls.isRoot(), "isolation needs root");
      jobs = new TestJobs(state());
    }

    /** The disk is small, and others need it. */
    @AfterEach
    void close() throws Exception {
      if (jobs != null) {
        jobs.close();
        String state = jobs.state().toString();
        assertThat(new ProcessBuilder("rm", "-rf", state).start().waitFor()).isZero();
      }
    }

    Path directory() {
      return jobs.state();
    }

    JobStatus start(Limits limits, String script) {
      JobSpec spec = JobSpec.builder(List.of("/bin/bash", "-c", script)).limits(limits).build();
      return jobs.start(spec, Optional.of(new RunAs(UID, UID)));
    }

    private String attack(String script) {
      return jobs.output(start(LIMITS, "exec 2>/dev/null; " + script)).strip();
    }

    /** What an attack that prints a number of bytes got. */
    private long kept(String script) {
      return Long.parseLong(attack(script));
    }

    @Test
    void inOneFile() {
      assertThat(kept("head -c 64M /dev/zero >file; stat -c %s file"))
          .isBetween(SIZE / 8 * 7, SIZE);
    }

    @Test
    void inManyFilesAndDirectories() {
      assertThat(
              kept(
                  "for d in $(seq 16); do mkdir -p $d/$d && head -c 1M /dev/zero >$d/$d/f; done;"
                      + " find . -type f -printf '%s\n' | awk '{ s += $1 } END { print s }'"))
          .isBetween(SIZE / 2, SIZE);
    }

    @Test
    void inNamesOfEmptyFiles() {
      assertThat(kept("touch $(seq 9000); ls | wc -l")).isBetween(500L, SIZE / 1024 + 1);
    }

    @Test
    void againAfterItHasDeletedEverything() {
      assertThat(
              kept(
                  "for i in 1 2 3; do head -c 64M /dev/zero >file; stat -c %s file; rm file; done |"
                      + " sort -n | head -n 1"))
          .isBetween(SIZE / 8 * 7, SIZE);
    }

    @Test
    void byTakingItsFilesOutOfWhatCounts() {
      assertThat(
              kept(
                  "mkdir d; touch d/before; chattr -p 0 . d d/before; chattr -P . d;"
                      + " touch d/after; chattr -p 0 d/after; for f in d/before d/after out;"
                      + " do head -c 64M /dev/zero >$f; chattr -p 0 $f; done;"
                      + " du -sB1 --apparent-size . | cut -f1"))
          .isBetween(SIZE / 2, SIZE + (64 << 10));
    }

    @Test
    void somewhereElse() {
      assertThat(
              attack(
                  "for d in / /var/tmp /tmp/.. /var/crash /run /run/lock /usr /home /sys/fs/cgroup;"
                      + " do touch $d/x && echo $d; done"))
          .isEmpty();
    }

    /** The host's own, where everybody may write. */
    @Test
    void inADirectoryThatIsOpenToAll() throws IOException {
      Path open = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-open-");
      try {
        Files.setPosixFilePermissions(
            open, java.nio.file.attribute.PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThat(attack("echo x >" + open + "/file && echo done")).isEmpty();
        assertThat(open).isEmptyDirectory();
      } finally {
        Files.delete(open);
      }
    }

    @Test
    void andTakesNothingOfAnothersSize() {
      JobStatus first = start(LIMITS, "head -c 64M /dev/zero >file; echo full; exec sleep 1000");
      try {
        jobs.awaitOutput(first, "full\n");
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
      assertThat(kept("head -c 3M /dev/zero >file; stat -c %s file")).isEqualTo(3 << 20);
    }

    /** A directory may have the inode of one that was there before. */
    @Test
    void norIsItHeldToWhatAJobBeforeItHad() {
      for (int i = 0; i < 3; i++) {
        JobStatus small = start(Limits.NONE.with(Limit.DISK, 1 << 20), "head -c 1M /dev/zero >f");
        jobs.ended(small);
        jobs.remove(small);
        assertThat(kept("head -c 3M /dev/zero >file; stat -c %s file")).isEqualTo(3 << 20);
      }
    }

    @Test
    void inAPlaceOfItsOwnChoice() {
      JobSpec elsewhere =
          JobSpec.builder(List.of("true")).workingDirectory("/var/tmp").limits(LIMITS).build();
      assertThatThrownBy(() -> jobs.start(elsewhere, Optional.of(new RunAs(UID, UID))))
          .isInstanceOf(JobException.InvalidSpec.class)
          .hasMessageContaining("runs in its own directory");
    }
  }

  /** Where the file system has project quota, as the one in the guest. */
  @Nested
  class OnADisk extends Attacks {
    @Override
    Path state() throws IOException {
      Path all = Path.of(System.getProperty("test.disk", "/no/disk"));
      assumeTrue(ProjectQuota.isEnforcedOn(all), "no project quota");
      return Files.createTempDirectory(all, "state-");
    }

    @Test
    void thatIsToldByTheCheck() {
      assertThat(HostCheck.inspect(TestJobs.config(directory()), Limits.NONE))
          .contains(
              new HostCheck.Finding(true, "disk limits", "can be enforced, by project quota"));
    }
  }

  /** Everywhere else. */
  @Nested
  class InMemory extends Attacks {
    @Override
    Path state() {
      return directory.resolve("state");
    }

    @Test
    void thatItDoesNotHave() {
      long scratch = JobsConfig.in(directory).scratch().bytes();
      assumeTrue(!ProjectQuota.isEnforcedOn(directory), "there is a better way");
      assertThatThrownBy(() -> start(Limits.NONE.with(Limit.DISK, scratch + 1), "true"))
          .isInstanceOf(JobException.CannotEnforce.class)
          .hasMessageContaining("enforces no project quota");
    }
  }
}
