package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.StartRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.DriverManager;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Nothing is destroyed that was not proven rubbish, whatever database there is. */
class StateIdentityTest {
  private static final String FOR_EVER = "echo up; sleep 1000";

  @TempDir Path directory;
  private TestJobs jobs;
  private JobStatus ended;
  private JobStatus running;

  @BeforeEach
  void open() throws Exception {
    jobs = new TestJobs(directory.resolve("state"));
    ended = jobs.ended(jobs.shell("echo over; exit 3", Limits.NONE));
    running = jobs.shell(FOR_EVER, Limits.NONE);
    jobs.awaitOutput(running, "up\n");
  }

  @AfterEach
  void close() {
    jobs.close();
    TestJobs.removeCgroups(); // also of the other server
  }

  private Path database() {
    return jobs.state().resolve("jobs.db");
  }

  private void assertRefused(String why, TestJobs.Meanwhile meanwhile) {
    assertThatThrownBy(() -> jobs.restart(meanwhile))
        .isInstanceOf(JobException.StateRefused.class)
        .hasMessageStartingWith(jobs.state().toString())
        .hasMessageContaining(why)
        .hasMessageContaining("--adopt")
        .hasMessageNotContaining("\n");
    assertThat(jobs.directory(ended).resolve("exit")).exists();
    assertThat(ProcessHandle.of(running.mainPid())).isPresent();
  }

  /** All that the directories tell is known, and in which order the jobs were started. */
  private void assertAdopted() throws IOException {
    assertKnown();
    assertThat(listed()).containsSubsequence(running.id(), ended.id());
  }

  private void assertKnown() throws IOException {
    jobs.jobs().recovered().join();
    JobStatus first = jobs.jobs().find(running.id()).status();
    assertThat(first.state()).isEqualTo(JobState.RUNNING);
    assertThat(first.owner()).isEqualTo(running.owner());
    assertThat(first.spec()).isEqualTo(running.spec());
    assertThat(first.createdAt()).isEqualTo(running.createdAt());
    assertThat(newest(running)).isEqualTo("up\n");
    JobStatus second = jobs.ended(ended);
    assertThat(second.end().orElseThrow().exitCode()).hasValue(3);
    assertThat(second.end().orElseThrow().at()).isEqualTo(ended.end().orElseThrow().at());
    assertThat(newest(ended)).isEqualTo("over\n");
    assertThat(listed()).contains(running.id(), ended.id());
  }

  private String newest(JobStatus job) throws IOException {
    return jobs.jobs().find(job.id()).output().newest(100);
  }

  private List<JobId> listed() {
    return jobs
        .jobs()
        .list(new JobQuery(Optional.empty(), JobFilter.ALL, Optional.empty(), 100))
        .jobs()
        .stream()
        .map(entry -> entry.status().id())
        .toList();
  }

  private void sql(String statement) throws Exception {
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + database());
        var prepared = connection.createStatement()) {
      prepared.executeUpdate(statement);
    }
  }

  @Test
  void anEmptiedDatabaseIsRefusedAndTheDirectoriesTellWhatWasThere() throws Exception {
    assertRefused("missing, or was emptied", () -> Files.delete(database()));
    assertRefused("missing, or was emptied", () -> {}); // it did not pass for one by being made
    jobs.restart(TakeOver.ADOPT, () -> {});
    assertAdopted();
    jobs.restart(() -> {});
    assertAdopted();
  }

  private HostCheck.Finding checked() {
    return HostCheck.inspect(TestJobs.config(jobs.state()), Limits.NONE).stream()
        .filter(finding -> finding.what().equals("state"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void whatAServerWouldRefuseIsToldBeforeAndLeftAsItIs() throws Exception {
    assertThat(checked().ok()).as(checked().consequence()).isTrue();
    jobs.restart(() -> {
      Path backup = directory.resolve("backup");
      Files.move(database(), backup);
      assertThat(checked().ok()).isFalse();
      assertThat(checked().consequence()).startsWith("the database of the jobs is missing");
      assertThat(database()).doesNotExist();
      Files.writeString(database(), "this is no database, and long enough to be one");
      assertThat(checked().consequence()).contains("is damaged");
      Files.move(backup, database(), StandardCopyOption.REPLACE_EXISTING);
      assertThat(checked().ok()).isTrue();
    });
    assertThat(listed()).contains(running.id(), ended.id());
  }

  @Test
  void theSameHoldsOfWhatAnEarlierVersionHasLeft() throws Exception {
    assertRefused(
        "knows none of those that have directories",
        () -> {
          Files.delete(database());
          Files.delete(jobs.state().resolve("identity"));
        });
    jobs.restart(TakeOver.ADOPT, () -> {});
    assertAdopted();
    jobs.restart(() -> Files.delete(jobs.state().resolve("identity")));
    assertAdopted();
  }

  @Test
  void aDatabaseThatIsOlderThanItsDirectoriesIsRefused() throws Exception {
    Path backup = directory.resolve("backup");
    jobs.restart(() -> Files.copy(database(), backup));
    JobStatus later = jobs.ended(jobs.shell("exit 4", Limits.NONE));
    assertRefused(
        "older than their directories",
        () -> Files.copy(backup, database(), StandardCopyOption.REPLACE_EXISTING));
    jobs.restart(TakeOver.ADOPT, () -> {});
    assertAdopted();
    assertThat(jobs.ended(later).end().orElseThrow().exitCode()).hasValue(4);
  }

  @Test
  void theDatabaseOfAnotherDirectoryIsRefusedAndSetAside() throws Exception {
    Path other = directory.resolve("other");
    try (Jobs another = Jobs.open(TestJobs.config(other))) {
      another
          .start(StartRequest.of(Owner.of("bob"), JobSpec.of("true")))
          .whenEnded()
          .orTimeout(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS)
          .join();
    }
    assertRefused(
        "is that of another state directory",
        () ->
            Files.copy(other.resolve("jobs.db"), database(), StandardCopyOption.REPLACE_EXISTING));
    jobs.restart(TakeOver.ADOPT, () -> {});
    assertAdopted();
    assertThat(listed()).hasSize(2);
    assertThat(setAside("jobs.db")).isPresent();
  }

  @Test
  void aDamagedDatabaseIsRefusedAndSetAside() throws Exception {
    assertRefused(
        "is damaged",
        () -> Files.writeString(database(), "this is no database, and long enough to be one"));
    jobs.restart(TakeOver.ADOPT, () -> {});
    assertAdopted();
    assertThat(setAside("jobs.db")).isPresent();
  }

  @Test
  void aStateDirectoryOfAnotherHostIsRefused() throws Exception {
    Path identity = jobs.state().resolve("identity");
    assertRefused(
        "last used on another host",
        () ->
            Files.writeString(
                identity, Files.readString(identity).replaceAll("host=.*", "host=another")));
    jobs.restart(TakeOver.ADOPT, () -> {});
    assertAdopted();
  }

  @Test
  void anIdentityThatSaysNothingIsRefused() throws Exception {
    assertRefused(
        "cannot be understood",
        () -> Files.writeString(jobs.state().resolve("identity"), "generation=many"));
    jobs.restart(TakeOver.ADOPT, () -> {});
    assertAdopted();
  }

  @Test
  void whatIsSetAsideIsWholeAndNothingOfItRuns() throws Exception {
    int launcher = jobs.launcher(running);
    jobs.restart(TakeOver.SET_ASIDE, () -> {});
    assertThat(listed()).isEmpty();
    assertThat(setAside("jobs/" + ended.id() + "/exit")).isPresent();
    await().atMost(TestJobs.PATIENCE).until(() -> ProcessHandle.of(running.mainPid()).isEmpty());
    assertThat(launcher).isPositive();
    assertThat(jobs.ended(jobs.shell("exit 5", Limits.NONE)).end().orElseThrow().exitCode())
        .hasValue(5);
  }

  @Test
  void whatIsSetAsideIsEndedOverTheHeadOfALauncherThatHangs() throws Exception {
    int launcher = jobs.launcher(running);
    TestJobs.signal("STOP", launcher);
    jobs.restart(TakeOver.SET_ASIDE, () -> {});
    await().atMost(TestJobs.PATIENCE).until(() -> ProcessHandle.of(running.mainPid()).isEmpty());
    await().atMost(TestJobs.PATIENCE).until(() -> ProcessCalls.reapIfEnded(launcher));
  }

  @Test
  void anAdoptionThatWasCutShortIsNoStartThatWasNeverAnswered() throws Exception {
    jobs.restart(
        () -> sql("UPDATE job SET settled = 0, reason = NULL WHERE id = '" + ended.id() + "'"));
    assertKnown();
  }

  @Test
  void ofALostJobThatPrintedNothingTheDirectoryTellsEnough() throws Exception {
    JobStatus silent = jobs.shell("sleep 1000", Limits.NONE);
    jobs.killLauncher(silent);
    assertThat(jobs.ended(silent).state()).isEqualTo(JobState.LOST);
    await().atMost(TestJobs.PATIENCE).until(() -> isCleaned(silent));
    jobs.restart(() -> sql("DELETE FROM job WHERE id = '" + silent.id() + "'"));
    jobs.jobs().recovered().join();
    assertThat(jobs.ended(silent).state()).isEqualTo(JobState.LOST);
    assertThat(jobs.directory(silent).resolve("work")).exists();
  }

  private boolean isCleaned(JobStatus job) throws Exception {
    try (var connection = DriverManager.getConnection("jdbc:sqlite:" + database());
        var rows =
            connection
                .createStatement()
                .executeQuery("SELECT cleaned FROM job WHERE id = '" + job.id() + "'")) {
      return rows.next() && rows.getInt(1) != 0;
    }
  }

  @Test
  void aRefusedRemovalIsNoRemoval() throws Exception {
    await().atMost(TestJobs.PATIENCE).until(() -> isCleaned(ended));
    sql("UPDATE job SET cleaned = 0 WHERE id = '" + ended.id() + "'");
    Job job = jobs.jobs().find(ended.id());
    assertThatThrownBy(() -> job.remove(Requester.named("alice")))
        .isInstanceOf(JobException.Unavailable.class);
    jobs.restart(() -> sql("DELETE FROM job WHERE id = '" + ended.id() + "'"));
    assertKnown();
  }

  private Optional<Path> setAside(String name) throws IOException {
    try (Stream<Path> states = Files.list(jobs.state().resolve("set-aside"))) {
      return states.map(state -> state.resolve(name)).filter(Files::exists).findFirst();
    }
  }

  @Test
  void jobsWhoseRecordsAreLostAreTakenUpByTheirDirectories() throws Exception {
    jobs.restart(() -> sql("DELETE FROM job"));
    assertAdopted();
  }

  @Test
  void aStartThatExecutedNothingAndARemovedJobAreRubbishAndWhatIsUnknownStays() throws Exception {
    JobStatus unknown = jobs.ended(jobs.shell("true", Limits.NONE));
    Path started = jobs.state().resolve("jobs").resolve(UUID.randomUUID().toString());
    jobs.restart(() -> {
      sql("DELETE FROM job WHERE id IN ('" + ended.id() + "', '" + unknown.id() + "')");
      Files.createSymbolicLink(jobs.directory(ended).resolve("removed"), Path.of("removed"));
      Files.delete(jobs.directory(unknown).resolve("job"));
      Files.createDirectories(started.resolve("work"));
    });
    jobs.jobs().recovered().join();
    assertThat(started).doesNotExist();
    assertThat(jobs.directory(ended)).doesNotExist();
    assertThat(jobs.directory(unknown).resolve("exit")).exists();
    assertThat(listed()).containsExactly(running.id());
  }

  @Test
  void aRemovalThatASudddenEndCutsShortIsARemoval() throws Exception {
    await()
        .atMost(TestJobs.PATIENCE)
        .ignoreExceptionsInstanceOf(JobException.Unavailable.class) // it is being cleaned up
        .until(() -> {
          jobs.jobs().find(ended.id()).remove(Requester.named("alice"));
          return true;
        });
    assertThat(jobs.directory(ended)).doesNotExist();
    jobs.restart(() -> {});
    jobs.jobs().recovered().join();
    assertThat(listed()).containsExactly(running.id());
  }
}
