package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.OutputLog.OnFull;
import io.jobworker.core.output.ReadResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is kept of ended jobs, and for how long. */
class RetentionTest {
  private static final JobsConfig.History LONG = JobsConfig.History.DEFAULT;
  private static final ByteSize SPECS = ByteSize.of(64 << 10);

  @TempDir Path directory;
  private @Nullable Jobs jobs;
  private final SetClock clock = new SetClock();

  private Jobs open(JobsConfig.History history, String total) {
    JobsConfig.Output output =
        new JobsConfig.Output(
            ByteSize.ofMebibytes(64), OnFull.OVERWRITE, ByteSize.parse(total), Duration.ZERO);
    Jobs opened = Jobs.open(TestJobs.config(state(), output, history, clock));
    jobs = opened;
    return opened;
  }

  private Path state() {
    return directory.resolve("state");
  }

  @AfterEach
  void close() {
    if (jobs != null) {
      jobs.close();
    }
    TestJobs.removeCgroups();
  }

  private static JobStatus run(Jobs jobs, String owner, String script) {
    JobStatus job =
        jobs.start(StartRequest.of(Owner.of(owner), JobSpec.of("/bin/sh", "-c", script))).status();
    return jobs.find(job.id()).whenEnded().orTimeout(60, TimeUnit.SECONDS).join();
  }

  private static List<JobId> known(Jobs jobs, String owner) {
    return jobs
        .list(new JobQuery(Optional.of(owner), JobFilter.ALL, Optional.empty(), 100))
        .jobs()
        .stream()
        .map(entry -> entry.status().id())
        .toList();
  }

  @Test
  void onlySoManyEndedJobsOfEachOwnerAreKeptAndTheOldestGoFirst() {
    Jobs jobs = open(new JobsConfig.History(Duration.ofDays(7), 3), "1G");
    List<JobId> ended = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ended.add(run(jobs, "alice", "exit 0").id());
    }
    JobId ofBob = run(jobs, "bob", "exit 0").id();
    await().atMost(TestJobs.PATIENCE).until(() -> known(jobs, "alice").size() == 3);
    assertThat(known(jobs, "alice")).containsExactlyElementsOf(ended.reversed().subList(0, 3));
    assertThat(known(jobs, "bob")).containsExactly(ofBob);
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> Files.notExists(state().resolve("jobs").resolve(ended.get(0).toString())));
    assertThatThrownBy(() -> jobs.find(ended.get(0)).status())
        .isInstanceOf(JobException.NoSuchJob.class);
  }

  @Test
  void ofWhatAnOwnersJobsWereStartedAsSoMuchIsKeptAndSmallOnesDoNotCount() {
    Jobs jobs = open(new JobsConfig.History(Duration.ofDays(7), 1000, 1000, SPECS), "1G");
    JobId small = run(jobs, "alice", "exit 0").id();
    String twentyKib = "#" + "x".repeat(20 << 10);
    JobId ofBob = run(jobs, "bob", twentyKib).id();
    List<JobId> ended = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      ended.add(run(jobs, "alice", twentyKib).id());
    }
    await().atMost(TestJobs.PATIENCE).until(() -> known(jobs, "alice").size() == 4);
    assertThat(known(jobs, "alice"))
        .containsExactly(ended.get(4), ended.get(3), ended.get(2), small);
    assertThat(known(jobs, "bob")).containsExactly(ofBob);
  }

  @Test
  void whatIsTooOldIsForgottenWithItsFilesAndWhatRunsIsNot() {
    Jobs jobs = open(new JobsConfig.History(Duration.ofDays(7), 1000), "1G");
    JobId old = run(jobs, "alice", "echo old").id();
    JobId running =
        jobs.start(StartRequest.of(Owner.of("alice"), JobSpec.of("sleep", "1000"))).status().id();
    clock.advance(Duration.ofDays(8));
    JobId young = run(jobs, "alice", "echo young").id(); // its end has the retention look again
    await().atMost(TestJobs.PATIENCE).until(() -> !known(jobs, "alice").contains(old));
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> Files.notExists(state().resolve("jobs").resolve(old.toString())));
    assertThat(known(jobs, "alice")).containsExactly(young, running);
    jobs.find(running).stop(StopRequest.withGrace(Duration.ZERO));
  }

  @Test
  void aClockThatIsSetMakesNothingOldAndARestartMakesNothingYoung() {
    JobsConfig.History week = new JobsConfig.History(Duration.ofDays(7), 1000);
    Jobs first = open(week, "1G");
    JobId old = run(first, "alice", "echo old").id();
    clock.set(Duration.ofDays(10));
    JobId young = run(first, "alice", "echo young").id(); // its end has the retention look again
    first.close();
    clock.set(Duration.ofDays(-20));
    clock.advance(Duration.ofDays(4));
    Jobs second = open(week, "1G");
    JobId younger = run(second, "alice", "echo younger").id();
    assertThat(known(second, "alice")).containsExactly(younger, young, old);
    clock.advance(Duration.ofDays(4));
    JobId youngest = run(second, "alice", "echo youngest").id();
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> known(second, "alice").equals(List.of(youngest, younger)));
  }

  @Test
  void theOutputOfJobsThatEndedFirstGoesFirstAndReadersAreTold() throws Exception {
    Jobs jobs = open(LONG, "2M");
    List<JobStatus> ended = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      ended.add(run(jobs, "alice", "head -c 600000 /dev/zero"));
    }
    JobId first = ended.getFirst().id();
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> jobs.find(first).status().outputDroppedBytes() == 600_000);
    assertThat(jobs.find(ended.getLast().id()).status().outputDroppedBytes()).isZero();
    try (Cursor cursor = jobs.find(first).output().cursor(0, Optional.empty())) {
      assertThat(cursor.read(new byte[100])).isEqualTo(new ReadResult.Dropped(600_000, 600_000));
      assertThat(cursor.read(new byte[100])).isInstanceOf(ReadResult.End.class);
    }
    awaitKept(2 << 20);
  }

  @Test
  void aRunningJobGivesUpItsOwnOldestOutputWhenNothingElseIsLeftToGive() throws Exception {
    Jobs jobs = open(LONG, "16M");
    JobStatus job = run(jobs, "alice", "head -c 60000000 /dev/zero");
    assertThat(job.outputBytes()).isEqualTo(60_000_000);
    assertThat(job.outputDroppedBytes()).isPositive();
    assertThat(kept()).isLessThan(32 << 20);
  }

  @Test
  void boundsHoldForWhatAnotherServerHasLeft() {
    Jobs before = open(LONG, "1G");
    for (int i = 0; i < 4; i++) {
      run(before, "alice", "head -c 600000 /dev/zero");
    }
    before.close();
    Jobs after = open(new JobsConfig.History(Duration.ofDays(7), 2), "1M");
    await().atMost(TestJobs.PATIENCE).until(() -> known(after, "alice").size() == 2);
    awaitKept(1 << 20);
  }

  @Test
  void aRecordWithoutAnIdKeepsNoOtherFromBeingForgotten() throws Exception {
    Jobs before = open(LONG, "1G");
    JobId broken = run(before, "alice", "exit 0").id();
    JobId old = run(before, "alice", "exit 0").id();
    run(before, "alice", "exit 0");
    before.close();
    try (Connection database =
            DriverManager.getConnection("jdbc:sqlite:" + state().resolve("jobs.db"));
        PreparedStatement damage =
            database.prepareStatement("UPDATE job SET id = 'x' WHERE id = ?")) {
      damage.setString(1, broken.toString());
      assertThat(damage.executeUpdate()).isEqualTo(1);
    }
    var _ = open(new JobsConfig.History(Duration.ofDays(7), 1), "1G");
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> Files.notExists(state().resolve("jobs").resolve(old.toString())));
  }

  @Test
  void anEndedJobIsRemovedAndARunningOneIsNot() {
    Jobs jobs = open(LONG, "1G");
    JobId ended = run(jobs, "alice", "echo hello").id();
    JobId running =
        jobs.start(StartRequest.of(Owner.of("alice"), JobSpec.of("sleep", "1000"))).status().id();
    TestJobs.remove(jobs, ended);
    assertThat(state().resolve("jobs").resolve(ended.toString())).doesNotExist();
    assertThatThrownBy(() -> jobs.find(ended).remove(Requester.named("alice")))
        .isInstanceOf(JobException.NoSuchJob.class);
    assertThatThrownBy(() -> jobs.find(running).remove(Requester.named("alice")))
        .isInstanceOf(JobException.WrongState.class)
        .hasMessageContaining("stop it first");
    jobs.find(running).stop(StopRequest.withGrace(Duration.ZERO));
  }

  @Test
  void theFilesOfARemovedJobGoAsSoonAsTheyCan() throws IOException {
    Jobs jobs = open(LONG, "1G");
    JobId ended = run(jobs, "alice", "echo hello").id();
    Path trash = state().resolve("trash");
    Files.delete(trash);
    Files.createFile(trash); // into which nothing can be moved
    TestJobs.remove(jobs, ended);
    assertThat(state().resolve("jobs").resolve(ended.toString())).exists();
    assertThat(jobs.unfinished()).isEqualTo(1);
    Files.delete(trash); // which is made anew
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> Files.notExists(state().resolve("jobs").resolve(ended.toString())));
    await().atMost(TestJobs.PATIENCE).until(() -> jobs.unfinished() == 0);
    assertThat(Files.getPosixFilePermissions(trash))
        .isEqualTo(PosixFilePermissions.fromString("rwx------"));
  }

  /** Looks again where a directory is moved away from under its walk. */
  private void awaitKept(long atMost) {
    await()
        .atMost(TestJobs.PATIENCE)
        .ignoreExceptionsMatching(e -> e.getCause() instanceof NoSuchFileException)
        .until(() -> kept() <= atMost);
  }

  /** All output on disk, in bytes. */
  private long kept() throws IOException {
    try (var files = Files.walk(state().resolve("jobs"))) {
      return files
          .map(Path::toFile)
          .filter(file -> file.getName().endsWith(".log"))
          .mapToLong(java.io.File::length)
          .sum();
    }
  }
}
