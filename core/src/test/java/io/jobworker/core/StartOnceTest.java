package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Allowance;
import io.jobworker.core.job.Assignment;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobChange;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.StartRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A start that a server did not live to answer, as another one finds it: each test makes of a job
 * what is there when a server, or a launcher, dies at that point.
 */
class StartOnceTest {
  private static final Owner ALICE = Owner.of("alice");

  @TempDir Path directory;
  private TestJobs jobs;
  private Path shared;
  private Path executions;

  @BeforeEach
  void open() throws IOException {
    jobs = new TestJobs(directory.resolve("state"));
    shared =
        Files.createTempDirectory(
            Path.of("/var/tmp"), "job-worker-once-"); // /tmp is another one to a job
    executions = Files.createFile(shared.resolve("executions"));
  }

  @AfterEach
  void close() throws IOException {
    jobs.close();
    delete(shared);
  }

  private static void delete(Path tree) throws IOException {
    try (var files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void whoAsksAgainHearsOfHisJobThoughMoreIsAskedForThanMayBeByNow() {
    Limits limits = Limits.NONE.with(Limit.DISK, 2 << 20);
    JobSpec spec =
        JobSpec.builder(List.of("sleep", "1000")).requestId("once").limits(limits).build();
    assumeTrue(ProcessCalls.isRoot(), "only an isolated job's disk is limited");
    JobStatus job = jobs.start(ALICE, spec);
    Owner bounded =
        new Owner(
            "alice",
            Optional.empty(),
            new Allowance(
                Integer.MAX_VALUE,
                ByteSize.of(Long.MAX_VALUE),
                Limits.NONE.with(Limit.DISK, 1 << 20)));
    assertThat(jobs.start(bounded, spec).id()).isEqualTo(job.id());
    JobSpec another = JobSpec.builder(List.of("true")).requestId("2").limits(limits).build();
    assertThatThrownBy(() -> jobs.start(bounded, another))
        .isInstanceOf(JobException.InvalidSpec.class);
  }

  /** Says so each time that it is executed. */
  private JobSpec.Builder telling(String then) {
    return JobSpec.builder(
        List.of("/bin/sh", "-c", "echo executed >> " + executions + "; echo up; " + then));
  }

  private JobSpec repeatable(String then) {
    return telling(then).requestId("r1").build();
  }

  private long timesExecuted() throws IOException {
    return Files.readString(executions).lines().count();
  }

  private void sql(String statement, JobStatus job) throws Exception {
    try (Connection database =
            DriverManager.getConnection("jdbc:sqlite:" + jobs.state().resolve("jobs.db"));
        PreparedStatement prepared = database.prepareStatement(statement)) {
      prepared.setString(1, job.id().toString());
      prepared.executeUpdate();
    }
  }

  private void unsettle(JobStatus job) throws Exception {
    sql(
        "UPDATE job SET settled = 0, seq = 0, main_pid = 0, reason = NULL, cleaned = 0 WHERE id = ?",
        job);
  }

  /** An ended job is made what it was before it was launched, and its execution is forgotten. */
  private void backToIntent(JobStatus job) throws Exception {
    unsettle(job);
    delete(jobs.directory(job));
    Files.writeString(executions, "");
  }

  private JobStatus ended(JobSpec spec) {
    return jobs.ended(jobs.start(ALICE, spec));
  }

  private JobEnd endOf(JobId id) {
    await()
        .atMost(TestJobs.PATIENCE)
        .ignoreException(JobException.NoSuchJob.class)
        .until(() -> jobs.jobs().find(id).status().state().isFinal());
    return jobs.jobs().find(id).status().end().orElseThrow();
  }

  private List<JobId> listed() {
    JobQuery query = new JobQuery(Optional.of("alice"), JobFilter.ALL, Optional.empty(), 100);
    return jobs.jobs().list(query).jobs().stream().map(entry -> entry.status().id()).toList();
  }

  @Test
  void aRecordedStartIsNotCarriedOutByItselfAndIsWhenItIsAskedForAgain() throws Exception {
    JobStatus job = ended(repeatable("exit 3"));
    jobs.restart(() -> backToIntent(job));
    jobs.jobs().recovered().join();
    assertThat(timesExecuted()).isZero();
    assertThat(listed()).isEmpty();
    assertThatThrownBy(() -> jobs.jobs().find(job.id())).isInstanceOf(JobException.NoSuchJob.class);

    JobStatus again = ended(repeatable("exit 3"));
    assertThat(again.id()).isEqualTo(job.id());
    assertThat(again.end().orElseThrow().exitCode()).hasValue(3);
    assertThat(ended(repeatable("exit 3")).id()).isEqualTo(job.id());
    assertThat(timesExecuted()).isEqualTo(1);
    assertThat(listed()).containsExactly(job.id());
  }

  @Test
  void aRepeatedRequestForAnotherJobIsRefusedAndCarriesOutNeither() throws Exception {
    JobStatus job = ended(repeatable("exit 3"));
    jobs.restart(() -> backToIntent(job));
    assertThatThrownBy(() -> jobs.start(ALICE, repeatable("exit 4")))
        .isInstanceOf(JobException.RequestIdTaken.class);
    assertThat(timesExecuted()).isZero();
    assertThat(ended(repeatable("exit 3")).id()).isEqualTo(job.id());
  }

  @Test
  void aLaunchThatHadNotComeToItsMarkIsGivenUpAndLaunchedAnew() throws Exception {
    JobStatus job = ended(repeatable("exit 3"));
    Path own = jobs.directory(job);
    jobs.restart(() -> {
      backToIntent(job);
      Files.createDirectory(own);
      Files.createDirectory(own.resolve("work"));
      Files.createSymbolicLink(own.resolve("slot"), Path.of("0123"));
    });
    assertThat(ended(repeatable("exit 3")).id()).isEqualTo(job.id());
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void aMarkWithoutAnEndIsALostJobThatIsNotExecutedAgain() throws Exception {
    JobStatus job = jobs.start(ALICE, repeatable("sleep 1000"));
    jobs.awaitOutput(job, "up\n");
    jobs.restart(() -> {
      jobs.killLauncher(job);
      unsettle(job);
    });
    JobStatus again = ended(repeatable("sleep 1000"));
    assertThat(again.id()).isEqualTo(job.id());
    assertThat(again.state()).isEqualTo(JobState.LOST);
    assertThat(again.end().orElseThrow().detail()).isEqualTo("its launcher was killed");
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void aJobThatWasLaunchedAndNeverAnsweredIsTakenUpAndIsTheAnswer() throws Exception {
    JobStatus job = jobs.start(ALICE, repeatable("sleep 1000"));
    jobs.awaitOutput(job, "up\n");
    jobs.restart(() -> unsettle(job));
    JobStatus again = jobs.start(ALICE, repeatable("sleep 1000"));
    assertThat(again.id()).isEqualTo(job.id());
    assertThat(again.state()).isEqualTo(JobState.RUNNING);
    assertThat(again.mainPid()).isEqualTo(job.mainPid());
    assertThat(listed()).containsExactly(job.id());
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void aJobThatEndedBeforeItsStartWasAnsweredTellsItsEnd() throws Exception {
    JobStatus job = jobs.start(ALICE, repeatable("sleep 1000"));
    jobs.awaitOutput(job, "up\n");
    int launcher = FileCalls.lockHolder(jobs.directory(job).resolve("life"));
    jobs.restart(() -> {
      new ProcessBuilder("kill", "-HUP", Integer.toString(job.mainPid())).start().waitFor();
      ProcessCalls.reap(launcher);
      unsettle(job);
    });
    JobStatus again = ended(repeatable("sleep 1000"));
    assertThat(again.id()).isEqualTo(job.id());
    assertThat(again.end().orElseThrow().signal()).hasValue(1);
    assertThat(jobs.output(again)).isEqualTo("up\n");
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void aStartThatIsNeverRepeatedHasFailedAndSaysAtWhatAndFreesItsQuota() throws Exception {
    JobStatus job = ended(repeatable("exit 3"));
    long revision = jobs.jobs().changes().newest();
    Path own = jobs.directory(job);
    jobs.restart(
        Duration.ofMillis(1),
        () -> {
          backToIntent(job);
          Files.createDirectory(own);
          Files.createSymbolicLink(own.resolve("started"), Path.of("exec 2"));
        });
    JobEnd end = endOf(job.id());
    assertThat(end.reason()).isEqualTo(EndReason.NEVER_STARTED);
    assertThat(end.state()).isEqualTo(JobState.FAILED);
    assertThat(end.detail()).isEqualTo("exec: No such file or directory (ENOENT)");
    assertThat(listed()).containsExactly(job.id());
    assertThat(own).doesNotExist();
    List<JobChange> changes = jobs.jobs().changes().after(revision, Optional.of("alice"), 100);
    assertThat(changes).hasSize(1);
    assertThat(changes.getFirst().status().end().orElseThrow().reason())
        .isEqualTo(EndReason.NEVER_STARTED);

    assertThat(ended(repeatable("exit 3")).id()).as("it is final").isEqualTo(job.id());
    assertThat(timesExecuted()).isZero();
    ended(onlyOne(), JobSpec.of("true"));
    jobs.remove(job);
    assertThat(listed()).doesNotContain(job.id());
  }

  private static Owner onlyOne() {
    Allowance all = Allowance.UNLIMITED;
    return new Owner(
        "alice", Optional.empty(), new Allowance(1, all.retainedOutput(), all.ceilings()));
  }

  private void ended(Owner owner, JobSpec spec) {
    await()
        .atMost(TestJobs.PATIENCE)
        .ignoreException(JobException.QuotaExceeded.class) // the count follows what is seen
        .until(() -> jobs.ended(jobs.start(owner, spec)).state() == JobState.EXITED);
  }

  @Test
  void aStartThatMayBeRepeatedCountsAsRunning() throws Exception {
    JobStatus job = ended(repeatable("exit 3"));
    jobs.restart(() -> backToIntent(job));
    assertThatThrownBy(() -> jobs.start(onlyOne(), JobSpec.of("true")))
        .isInstanceOf(JobException.QuotaExceeded.class)
        .hasMessageContaining("1 of 1");
    assertThat(jobs.ended(jobs.start(onlyOne(), repeatable("exit 3"))).id()).isEqualTo(job.id());
    ended(onlyOne(), JobSpec.of("true"));
  }

  @Test
  void aStartWithoutARequestIdCannotBeRepeatedAndHasFailedAtOnce() throws Exception {
    JobStatus job = ended(telling("exit 3").build());
    jobs.restart(() -> backToIntent(job));
    assertThat(endOf(job.id()).reason()).isEqualTo(EndReason.NEVER_STARTED);
    assertThat(timesExecuted()).isZero();
  }

  @Test
  void aStartThatFailedAndWasAnsweredSoLeavesNothingAndMayBeTriedAgain() throws Exception {
    Path program = executions.resolveSibling("program");
    JobSpec spec = JobSpec.builder(List.of(program.toString())).requestId("r2").build();
    assertThatThrownBy(() -> jobs.start(ALICE, spec)).isInstanceOf(JobException.LaunchFailed.class);
    assertThat(listed()).isEmpty();
    Files.createSymbolicLink(program, Path.of("/bin/true"));
    assertThat(ended(spec).state()).isEqualTo(JobState.EXITED);
  }

  private StartRequest attempt(JobId id, int attempt, String then) {
    return StartRequest.of(ALICE, telling(then).build()).as(new Assignment(id, attempt));
  }

  @Test
  void aJobMayBeKnownFromOutsideAndItsIdNamesOneExecution() throws Exception {
    JobId id = JobId.random();
    Job job = jobs.jobs().start(attempt(id, 2, "echo at $JOB_ATTEMPT; exit 3"));
    assertThat(job.id()).isEqualTo(id);
    assertThat(jobs.output(jobs.ended(job.status()))).isEqualTo("up\nat 2\n");
    assertThat(jobs.jobs().start(attempt(id, 2, "echo at $JOB_ATTEMPT; exit 3")).id())
        .isEqualTo(id);
    assertThatThrownBy(() -> jobs.jobs().start(attempt(id, 2, "exit 4")))
        .isInstanceOf(JobException.RequestIdTaken.class);

    jobs.restart(() -> {});
    assertThat(jobs.jobs().find(id).attempt()).isEqualTo(2);
    for (int other : List.of(1, 3)) {
      assertThatThrownBy(() -> jobs.jobs().start(attempt(id, other, "exit 3")))
          .isInstanceOf(JobException.IdTaken.class)
          .hasMessageContaining("attempt 2");
    }
    assertThatThrownBy(() ->
            jobs.jobs()
                .start(
                    StartRequest.of(Owner.of("bob"), JobSpec.of("true")).as(new Assignment(id, 2))))
        .isInstanceOf(JobException.IdTaken.class)
        .hasMessageContaining("another owner's");
    JobStatus own = jobs.ended(jobs.start(ALICE, JobSpec.of("true")));
    assertThatThrownBy(() -> jobs.jobs().start(attempt(own.id(), 1, "exit 3")))
        .isInstanceOf(JobException.IdTaken.class)
        .hasMessageContaining("this service's own");
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void whichJobAndAttemptItIsIsNotForAJobsEnvironmentToSay() throws Exception {
    JobId id = JobId.random();
    JobSpec lying =
        JobSpec.builder(List.of("sh", "-c", "echo $JOB_ID $JOB_ATTEMPT"))
            .environment(Map.of("JOB_ID", "another", "JOB_ATTEMPT", "7"))
            .build();
    Job job = jobs.jobs().start(StartRequest.of(ALICE, lying).as(new Assignment(id, 2)));
    assertThat(jobs.output(jobs.ended(job.status()))).isEqualTo(id + " 2\n");
  }

  @Test
  void anAssignedStartThatWasNotCarriedOutIsWhenThatAttemptIsAskedForAgain() throws Exception {
    JobId id = JobId.random();
    JobStatus job = jobs.ended(jobs.jobs().start(attempt(id, 2, "exit 3")).status());
    jobs.restart(() -> backToIntent(job));
    jobs.jobs().recovered().join();
    assertThat(timesExecuted()).isZero();
    for (int other : List.of(1, 3)) {
      assertThatThrownBy(() -> jobs.jobs().start(attempt(id, other, "exit 3")))
          .isInstanceOf(JobException.IdTaken.class);
    }
    Job again = jobs.jobs().start(attempt(id, 2, "exit 3"));
    assertThat(again.attempt()).isEqualTo(2);
    assertThat(jobs.ended(again.status()).end().orElseThrow().exitCode()).hasValue(3);
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void whoeverKnowsOnlyItsRequestIdHasTheRecordedAttemptCarriedOut() throws Exception {
    JobId id = JobId.random();
    JobSpec spec = repeatable("echo at $JOB_ATTEMPT; exit 3");
    StartRequest assigned = StartRequest.of(ALICE, spec).as(new Assignment(id, 2));
    JobStatus job = jobs.ended(jobs.jobs().start(assigned).status());
    jobs.restart(() -> backToIntent(job));
    JobStatus again = ended(spec);
    assertThat(again.id()).isEqualTo(id);
    assertThat(jobs.jobs().find(id).attempt()).isEqualTo(2);
    assertThat(jobs.output(again)).isEqualTo("up\nat 2\n");
    assertThat(jobs.jobs().start(assigned).id()).isEqualTo(id);
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void ofManyWhoAskForOneIdAtOnceOneAttemptIsExecutedAndTheOthersAreRefused() throws Exception {
    JobId id = JobId.random();
    List<Integer> answered = Collections.synchronizedList(new ArrayList<>());
    try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> starts = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        int attempt = 1 + i % 2;
        starts.add(
            callers.submit(() -> {
              Job job = jobs.jobs().start(attempt(id, attempt, "echo $JOB_ATTEMPT"));
              assertThat(job.attempt()).isEqualTo(attempt);
              answered.add(attempt);
            }));
      }
      for (Future<?> start : starts) {
        try {
          start.get();
        } catch (ExecutionException e) {
          assertThat(e.getCause()).isInstanceOf(JobException.IdTaken.class);
        }
      }
    }
    JobStatus job = jobs.ended(jobs.jobs().find(id).status());
    int won = jobs.jobs().find(id).attempt();
    assertThat(answered)
        .as("all who asked for that attempt, and nobody else")
        .isEqualTo(Collections.nCopies(10, won));
    assertThat(jobs.output(job)).isEqualTo("up\n" + won + "\n");
    assertThat(timesExecuted()).isEqualTo(1);
  }

  @Test
  void whatIsYetToBeRemovedOfAJobIsNotTakenForThatOfOneThatIsGivenItsId() throws Exception {
    JobId id = JobId.random();
    JobStatus first = jobs.ended(jobs.jobs().start(attempt(id, 1, "exit 3")).status());
    Path trash = jobs.state().resolve("trash");
    await().atMost(TestJobs.PATIENCE).until(() -> trash.toFile().delete()); // once it is empty
    Files.createFile(trash); // into which nothing can be moved
    jobs.remove(first);
    assertThatThrownBy(() -> jobs.jobs().start(attempt(id, 1, "exit 3")))
        .isInstanceOf(JobException.Unavailable.class)
        .hasMessageContaining("not gone yet");
    Files.delete(trash);
    await().atMost(TestJobs.PATIENCE).until(() -> Files.notExists(jobs.directory(first)));
    assertThat(jobs.ended(jobs.jobs().start(attempt(id, 1, "exit 3")).status()).state())
        .isEqualTo(JobState.FAILED);
    assertThat(timesExecuted()).isEqualTo(2);
  }
}
