package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.MemoryCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.linux.SocketCalls;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What this version finds that version 1 has left: its launcher is built from the source that it
 * had ({@code launcher-version-1.tar.gz}).
 */
class UpgradeTest {
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

  private Path buildLauncher() throws Exception {
    Path archive = directory.resolve("source.tar.gz");
    try (InputStream in = UpgradeTest.class.getResourceAsStream("/launcher-version-1.tar.gz")) {
      Files.copy(Objects.requireNonNull(in), archive, StandardCopyOption.REPLACE_EXISTING);
    }
    assertThat(
            new ProcessBuilder("tar", "-xzf", archive.toString(), "-C", directory.toString())
                .inheritIO()
                .start()
                .waitFor())
        .isZero();
    try (var sources = Files.newDirectoryStream(directory.resolve("launcher/src"), "*.c")) {
      List<String> files = new java.util.ArrayList<>();
      sources.forEach(file -> files.add(file.toString()));
      return CProgram.compile(directory.resolve("launcher-1"), files);
    }
  }

  /** Starts what version 1 would have started, and returns its launcher's PID. */
  private int startAsVersion1(Path launcher, JobId id, String script) throws Exception {
    Path own = jobs.state().resolve("jobs").resolve(id.toString());
    Files.createDirectories(own.resolve("work"));
    Files.createDirectory(own.resolve("output"));
    Files.createFile(own.resolve("output/00000000000000000000.log"));
    String sheet =
        String.join(
            "\0",
            "version=1",
            "dir=" + own,
            "cwd=" + own.resolve("work"),
            "arg=/bin/sh",
            "arg=-c",
            "arg=" + script,
            "");
    List<Fd> pair = SocketCalls.packetSocketPair();
    try (Fd mine = pair.get(0);
        Fd theirs = pair.get(1);
        Fd file = MemoryCalls.memoryFile("sheet", sheet.getBytes(StandardCharsets.UTF_8))) {
      ProcessCalls.reap(ProcessCalls.spawn(launcher, "job-worker-launcher", List.of(file, theirs)));
      await().atMost(TestJobs.PATIENCE).until(() -> Files.exists(own.resolve("work/up")));
      assertThat(mine.isOpen()).isTrue(); // a server is there until the job runs
    }
    return FileCalls.lockHolder(own.resolve("life"));
  }

  private void sql(String statement, String... values) throws Exception {
    try (Connection database =
            DriverManager.getConnection("jdbc:sqlite:" + jobs.state().resolve("jobs.db"));
        PreparedStatement prepared = database.prepareStatement(statement)) {
      for (int i = 0; i < values.length; i++) {
        prepared.setString(i + 1, values[i]);
      }
      prepared.executeUpdate();
    }
  }

  /** A job of version 1 is in the database as one of today's is, but for its slot. */
  private void insert(JobId id, JobStatus like) throws Exception {
    sql(
        "INSERT INTO job (id, owner, name, spec, created_at_us, main_pid, boot_id)"
            + " SELECT ?, owner, name, spec, created_at_us, 0, boot_id FROM job WHERE id = ?",
        id.toString(),
        like.id().toString());
  }

  @Test
  void aJobWhoseLauncherIsOfVersion1IsEndedAndSaysSo() throws Exception {
    Path launcher = buildLauncher();
    JobStatus like = jobs.ended(jobs.shell("true", Limits.NONE));
    JobId id = new JobId(UUID.randomUUID());
    int[] pid = new int[1];
    jobs.restart(() -> {
      pid[0] = startAsVersion1(launcher, id, "echo before; touch up; exec sleep 1000");
      insert(id, like);
    });
    JobStatus ended =
        jobs.jobs()
            .find(id)
            .whenEnded()
            .orTimeout(60, java.util.concurrent.TimeUnit.SECONDS)
            .join();
    assertThat(ended.state()).isEqualTo(JobState.STOPPED);
    assertThat(ended.end().orElseThrow().detail())
        .isEqualTo("a server of a later version has ended it");
    await().atMost(TestJobs.PATIENCE).until(() -> ProcessCalls.reapIfEnded(pid[0]));
    assertThatThrownBy(() -> jobs.jobs().find(id).output())
        .isInstanceOf(JobException.WrongState.class)
        .hasMessageContaining("written by an earlier version");
    TestJobs.remove(jobs.jobs(), id);
    assertThatThrownBy(() -> jobs.jobs().find(id).status())
        .isInstanceOf(JobException.NoSuchJob.class);
  }

  @Test
  void aJobThatEndedUnderAWaitingLauncherOfVersion1KeepsItsTrueEnd() throws Exception {
    Path launcher = buildLauncher();
    JobStatus like = jobs.ended(jobs.shell("true", Limits.NONE));
    JobId id = new JobId(UUID.randomUUID());
    jobs.restart(() -> {
      startAsVersion1(launcher, id, "touch up; exit 7");
      await()
          .atMost(TestJobs.PATIENCE)
          .until(() -> Files.exists(jobs.state().resolve("jobs/" + id + "/exit")));
      insert(id, like);
    });
    JobStatus ended =
        jobs.jobs()
            .find(id)
            .whenEnded()
            .orTimeout(60, java.util.concurrent.TimeUnit.SECONDS)
            .join();
    assertThat(ended.end().orElseThrow().exitCode()).hasValue(7);
    assertThat(jobs.state().resolve("jobs/" + id + "/stdout")).doesNotExist();
  }
}
