package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.core.linux.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a job leaves is removed, and nothing else, whatever a job of the same user does meanwhile.
 */
@Timeout(300)
@Tag("kernel")
class TrashTest {
  private static final int USER = 700_003;

  @TempDir Path directory;
  private TestJobs jobs;

  @BeforeEach
  void open() {
    jobs = new TestJobs(directory.resolve("state"));
  }

  @AfterEach
  void close() {
    jobs.close();
  }

  private Optional<RunAs> user() {
    return Linux.isRoot() ? Optional.of(new RunAs(USER, USER)) : Optional.empty();
  }

  /** A job that has done this in its working directory, and ended. */
  private JobStatus left(String script) {
    JobStatus job = jobs.ended(jobs.start(JobSpec.of("/bin/sh", "-c", script), user()));
    assertThat(job.end().orElseThrow().exitCode()).hasValue(0);
    return job;
  }

  private boolean isTrashEmpty() throws IOException {
    try (var entries = Files.list(jobs.state().resolve("trash"))) {
      return entries.findAny().isEmpty();
    }
  }

  private void awaitEmptyTrash() {
    await().atMost(Duration.ofMinutes(2)).until(this::isTrashEmpty);
  }

  @Test
  void filesLinksFifosAndDirectoriesOfAnyModeAreRemoved() throws Exception {
    Path victim = Files.createFile(directory.resolve("victim"));
    JobStatus job =
        left(
            "mkdir -p a/b/c closed/x 'new\nline'; touch a/b/file closed/x/y; mkfifo fifo;"
                + " ln -s "
                + victim
                + " link; ln -s "
                + directory
                + " a/dirlink; chmod 555 closed/x; chmod 0 closed; chmod 0 .");
    jobs.remove(job);
    assertThat(jobs.directory(job)).doesNotExist();
    awaitEmptyTrash();
    assertThat(victim).exists();
    assertThat(directory.resolve("state/jobs.db")).exists();
  }

  /** Makes directories in one another below the first argument, as the user of the job. */
  private static final String DIG =
      """
      #include <fcntl.h>
      #include <sys/stat.h>
      #include <unistd.h>

      int main(int argc, char **argv)
      {
          int here = open(argv[argc - 1], O_RDONLY | O_DIRECTORY);
          if (getuid() == 0 && (setgid(700003) != 0 || setuid(700003) != 0))
              return 1;
          for (int depth = 0; depth < 10000; depth++) {
              if (mkdirat(here, "d", 0700) != 0)
                  return 2;
              int below = openat(here, "d", O_RDONLY | O_DIRECTORY);
              close(here);
              here = below;
          }
          return 0;
      }
      """;

  @Test
  void depthCostsNeitherDescriptorsNorStack() throws Exception {
    JobStatus job = left("true");
    Path dig = CProgram.compile(directory, "dig", DIG);
    String work = jobs.directory(job).resolve("work").toString();
    assertThat(new ProcessBuilder(dig.toString(), work).start().waitFor()).isZero();
    jobs.remove(job);
    awaitEmptyTrash();
  }

  @Test
  void manyFilesKeepNobodyWaiting() throws Exception {
    JobStatus job = left("i=0; while [ $i -lt 20000 ]; do : >$i; i=$((i+1)); done");
    jobs.remove(job);
    assertThat(jobs.output(jobs.shell("echo well", Limits.NONE))).isEqualTo("well\n");
    awaitEmptyTrash();
  }

  @Test
  void aDeletionThatWasInterruptedGoesOn() throws Exception {
    JobStatus job = left("mkdir a; touch a/file");
    jobs.restart(() -> {
      Path entry = Files.createDirectory(jobs.state().resolve("trash/interrupted"));
      Files.move(jobs.directory(job).resolve("work"), entry.resolve("work"));
      Files.createDirectory(entry.resolve("output"));
      Files.createFile(entry.resolve("output/0000.seg"));
    });
    awaitEmptyTrash();
  }

  /**
   * Keeps a descriptor of a directory in the work directory of a job that is deleted, and swaps it
   * with a link to what is not its own, as fast as it can. Prints a line when it has begun.
   */
  private static final String SWAP =
      """
      #include <fcntl.h>
      #include <stdio.h>
      #include <sys/stat.h>
      #include <sys/syscall.h>
      #include <unistd.h>

      int main(int argc, char **argv)
      {
          int work = open(argv[1], O_RDONLY | O_DIRECTORY);
          if (argc != 3 || work < 0 || setgid(700003) != 0 || setuid(700003) != 0)
              return 1;
          puts("up");
          fflush(stdout);
          for (int made = 0;; made = (made + 1) % 50) {
              char name[32];
              snprintf(name, sizeof name, "victim%d", made);
              if (mkdirat(work, name, 0700) != 0 && symlinkat(argv[2], work, "link") != 0 && access(argv[1], F_OK) != 0 &&
                  faccessat(work, ".", F_OK, 0) != 0)
                  return 0;
              symlinkat(argv[2], work, "link");
              syscall(SYS_renameat2, work, name, work, "link", 2U /* RENAME_EXCHANGE */);
              syscall(SYS_renameat2, work, name, work, "link", 2U);
          }
      }
      """;

  @Test
  void aDirectoryThatIsSwappedWithALinkLeadsNowhere() throws Exception {
    assumeTrue(Linux.isRoot(), "another user is needed");
    Path victim = Files.createDirectory(directory.resolve("victim"));
    for (int i = 0; i < 50; i++) {
      Files.createFile(Files.createDirectories(victim.resolve("victim" + i)).resolve("treasure"));
    }
    Path swap = CProgram.compile(directory, "swap", SWAP);
    for (int round = 0; round < 20; round++) {
      JobStatus job =
          left("for i in $(seq 50); do mkdir -p victim$i/a/b; touch victim$i/a/treasure; done");
      Process attacker =
          new ProcessBuilder(
                  swap.toString(),
                  jobs.directory(job).resolve("work").toString(),
                  victim.toString())
              .start();
      try {
        assertThat(attacker.inputReader().readLine()).isEqualTo("up");
        jobs.remove(job);
        for (int i = 0; i < 20; i++) {
          jobs.output(jobs.shell("true", Limits.NONE)); // for as long as this takes
        }
      } finally {
        attacker.destroyForcibly().waitFor();
      }
    }
    awaitEmptyTrash();
    try (var kept = Files.walk(victim)) {
      assertThat(kept.filter(Files::isRegularFile)).hasSize(50);
    }
  }

  @Test
  void nothingIsLeftRunning() throws Exception {
    jobs.remove(left("mkdir a; touch a/file"));
    awaitEmptyTrash();
    await().until(() -> ProcessHandle.current().children().findAny().isEmpty());
    assertThat(List.of(directory.resolve("state/trash"))).allMatch(Files::isDirectory);
  }
}
