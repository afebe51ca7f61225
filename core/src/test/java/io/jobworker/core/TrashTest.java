package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.RunAs;
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

  @Test
  void nothingIsLeftRunning() throws Exception {
    jobs.remove(left("mkdir a; touch a/file"));
    awaitEmptyTrash();
    await().until(() -> ProcessHandle.current().children().findAny().isEmpty());
    assertThat(List.of(directory.resolve("state/trash"))).allMatch(Files::isDirectory);
  }
}
