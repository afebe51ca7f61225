package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.process.JobDirectory;
import io.jobworker.core.process.LauncherBinary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
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
    return ProcessCalls.isRoot() ? Optional.of(new RunAs(USER, USER)) : Optional.empty();
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

  /** The trash by itself, and not begun; {@code launcher} may be a stand-in. */
  private Trash trash(Path launcher) throws IOException {
    return new Trash(alone(), launcher, Optional.empty());
  }

  private Path alone() throws IOException {
    return Files.createDirectories(directory.resolve("alone"));
  }

  private Path launcher() throws IOException {
    return LauncherBinary.unpack(alone());
  }

  /** Does this first, with the name of an entry in {@code $2} and the trash as descriptor 3. */
  private Path launcherThat(String script) throws IOException {
    Path file = directory.resolve("launcher.sh");
    Files.writeString(file, "#!/bin/sh\n" + script + "\nexec " + launcher() + " \"$@\"\n");
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwx------"));
  }

  /** The files of a job that has ended, of which one is the job's own and has this name. */
  private JobDirectory jobWith(String name) throws IOException {
    JobDirectory job = new JobDirectory(alone().resolve(JobId.random().toString()));
    job.create();
    Files.createDirectory(job.output());
    Files.createFile(job.output().resolve("0000.seg"));
    Files.createFile(job.path().resolve("exit"));
    giveToUser(Files.createFile(job.work().resolve(name)));
    giveToUser(job.work());
    return job;
  }

  private static void giveToUser(Path file) throws IOException {
    if (ProcessCalls.isRoot()) {
      Files.setAttribute(file, "unix:uid", USER, LinkOption.NOFOLLOW_LINKS);
      Files.setAttribute(file, "unix:gid", USER, LinkOption.NOFOLLOW_LINKS);
    }
  }

  private List<Path> entries() throws IOException {
    try (var entries = Files.list(alone().resolve("trash"))) {
      return entries.toList();
    }
  }

  private void awaitEntries(int count) {
    await().atMost(Duration.ofMinutes(2)).until(() -> entries().size() == count);
  }

  @Test
  void discardingIsARename() throws Exception {
    JobDirectory job = jobWith("file");
    try (Trash trash = trash(launcher())) {
      trash.discard(job);
      trash.discard(job); // it is gone, as wanted
      assertThat(job.path()).doesNotExist();
      assertThat(entries()).hasSize(1);
      assertThat(entries().getFirst().resolve("work/file")).exists();
      trash.start();
      awaitEntries(0);
    }
  }

  @Test
  void whatComesWhileOthersAreRemovedGoesToo() throws Exception {
    try (Trash trash = trash(launcher())) {
      trash.start();
      for (int i = 0; i < 500; i++) {
        trash.discard(jobWith("file"));
      }
      awaitEntries(0);
    }
  }

  @Test
  void whatCannotBeRemovedIsTriedAgainAndAllElseGoes() throws Exception {
    assumeTrue(ProcessCalls.isRoot(), "needs files of somebody else's");
    JobDirectory job = jobWith("file");
    Files.createFile(Files.createDirectory(job.work().resolve("roots")).resolve("file"));
    try (Trash trash = trash(launcher())) {
      trash.discard(job);
      Path entry = entries().getFirst();
      trash.start();
      await().atMost(TestJobs.PATIENCE).until(() -> Files.notExists(entry.resolve("work/file")));
      assertThat(entry.resolve("output")).doesNotExist();
      assertThat(entry.resolve("exit")).doesNotExist();
      assertThat(entry.resolve("work/roots/file")).exists();
      giveToUser(entry.resolve("work/roots"));
      awaitEntries(0);
    }
  }

  @Test
  void aHelperThatIsKilledIsFollowedByAnother() throws Exception {
    Path killed = directory.resolve("killed");
    Path launcher = launcherThat("mkdir " + killed + " 2>/dev/null && kill -9 $$");
    try (Trash trash = trash(launcher)) {
      trash.start();
      trash.discard(jobWith("file"));
      awaitEntries(0);
      assertThat(killed).exists();
    }
  }

  /** Whose first turn is one of many, and whose second does not end. */
  @Test
  void entriesThatAreFilledForEverHoldUpNoOther() throws Exception {
    Path held = directory.resolve("held");
    Path isHeld = directory.resolve("is-held");
    assertThat(new ProcessBuilder("mkfifo", held.toString()).start().waitFor()).isZero();
    int timeIsUp = 62; // ETIME
    Path launcher =
        launcherThat(
            """
            if [ -e /proc/self/fd/3/$2/work/endless ]; then
              mkdir %s/$2 2>/dev/null || { : >%s; read line <%s; }
              exit %d
            fi\
            """
                .formatted(directory, isHeld, held, timeIsUp));
    try (Trash trash = trash(launcher)) {
      for (int i = 0; i < 4; i++) {
        trash.discard(jobWith("endless"));
      }
      trash.start();
      for (int i = 0; i < 10; i++) {
        trash.discard(jobWith("file"));
      }
      awaitEntries(4);
      await().atMost(TestJobs.PATIENCE).until(() -> Files.exists(isHeld));
      for (Path entry : entries()) {
        assertThat(entry.resolve("work/endless")).exists();
        await() // its first turn, which the others did not wait for
            .atMost(TestJobs.PATIENCE)
            .until(() -> Files.exists(directory.resolve(entry.getFileName())));
      }
    } finally {
      try (FileChannel release = // of the one that is held, if one is
          FileChannel.open(held, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        release.write(ByteBuffer.wrap(new byte[] {'\n'}));
      }
    }
  }

  @Test
  void nothingIsLeftRunning() throws Exception {
    jobs.remove(left("mkdir a; touch a/file"));
    awaitEmptyTrash();
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> ProcessHandle.current().children().findAny().isEmpty());
    assertThat(List.of(directory.resolve("state/trash"))).allMatch(Files::isDirectory);
  }
}
