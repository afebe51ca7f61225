package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.core.job.JobChange;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What happens to jobs, in order: in lists and as changes. */
@Timeout(180)
class ChangesTest {
  @TempDir Path directory;
  private Jobs jobs;
  private final SetClock clock = new SetClock();
  private final List<JobId> started = new ArrayList<>();
  private JobsConfig.History history = JobsConfig.History.DEFAULT;

  @BeforeEach
  void open() {
    JobsConfig defaults = JobsConfig.in(directory.resolve("state"));
    jobs =
        Jobs.open(TestJobs.config(directory.resolve("state"), defaults.output(), history, clock));
  }

  @AfterEach
  void endAllJobsAndClose() {
    for (JobId id : started) {
      try {
        jobs.find(id).stop(StopRequest.withGrace(Duration.ZERO));
      } catch (JobException.NoSuchJob e) {
        // removed
      }
    }
    jobs.close();
    TestJobs.removeCgroups();
  }

  private void restart() {
    jobs.close();
    open();
  }

  private JobStatus start(String owner, JobSpec spec) {
    JobStatus job = jobs.start(StartRequest.of(Owner.of(owner), spec)).status();
    started.add(job.id());
    return job;
  }

  private JobStatus run(String owner, String... command) {
    JobStatus job = start(owner, JobSpec.of(command));
    return jobs.find(job.id()).whenEnded().orTimeout(120, TimeUnit.SECONDS).join();
  }

  private void remove(JobStatus job) {
    await()
        .atMost(TestJobs.PATIENCE)
        .ignoreExceptionsInstanceOf(JobException.Unavailable.class) // it is being cleaned up
        .until(() -> {
          jobs.find(job.id()).remove(Requester.named("alice"));
          return true;
        });
  }

  private List<JobChange> after(long revision, String owner) {
    return jobs.changes().after(revision, Optional.of(owner), 100);
  }

  private static List<String> said(List<JobChange> changes) {
    return changes.stream()
        .map(change -> change.removed() ? "REMOVED" : change.status().state().name())
        .toList();
  }

  @Test
  void aJobsWholeLifeIsToldInOrderAlsoByTheNextServer() throws Exception {
    long before = jobs.changes().newest();
    JobSpec spec =
        JobSpec.builder(List.of("/bin/sh", "-c", "trap 'exit 3' TERM; echo; while :; do :; done"))
            .name("nightly")
            .labels(Map.of("team", "build"))
            .build();
    JobStatus job = start("alice", spec);
    TestJobs.awaitOutput(jobs, job, "\n");
    jobs.find(job.id()).stop(StopRequest.withGrace(Duration.ofMinutes(2)));
    remove(job);
    List<JobChange> told = after(before, "alice");
    assertThat(said(told)).containsExactly("RUNNING", "STOPPING", "STOPPED", "REMOVED");
    assertThat(told)
        .allSatisfy(change -> {
          assertThat(change.status().id()).isEqualTo(job.id());
          assertThat(change.status().owner()).isEqualTo("alice");
          assertThat(change.status().spec().name()).isEqualTo("nightly");
          assertThat(change.status().spec().labels()).isEqualTo(Map.of("team", "build"));
          assertThat(change.status().createdAt()).isEqualTo(job.createdAt());
        });
    assertThat(told).extracting(JobChange::revision).isSorted().doesNotHaveDuplicates();
    assertThat(told.getLast().revision()).isEqualTo(jobs.changes().newest());
    restart();
    assertThat(after(before, "alice")).isEqualTo(told);
    assertThat(after(told.get(1).revision(), "alice")).isEqualTo(told.subList(2, 4));
  }

  @Test
  void anotherOwnersChangesAreNotTold() {
    long before = jobs.changes().newest();
    run("alice", "true");
    run("bob", "true");
    assertThat(after(before, "alice"))
        .hasSize(2)
        .allSatisfy(change -> assertThat(change.status().owner()).isEqualTo("alice"));
    assertThat(jobs.changes().after(before, Optional.empty(), 100)).hasSize(4);
  }

  @Test
  void aLineThatCannotBeReadKeepsNoOtherFromBeingTold() throws Exception {
    long before = jobs.changes().newest();
    JobStatus bad = run("alice", "true");
    JobStatus good = run("alice", "true");
    jobs.close();
    try (Connection database =
            DriverManager.getConnection("jdbc:sqlite:" + directory.resolve("state/jobs.db"));
        PreparedStatement damage =
            database.prepareStatement("UPDATE change SET job = 'no id' WHERE job = ?")) {
      damage.setString(1, bad.id().toString());
      assertThat(damage.executeUpdate()).isEqualTo(2);
    }
    started.remove(bad.id());
    open();
    for (int limit : List.of(1, 2, 100)) {
      assertThat(jobs.changes().after(before, Optional.of("alice"), limit))
          .isNotEmpty()
          .allSatisfy(change -> assertThat(change.status().id()).isEqualTo(good.id()));
    }
    assertThat(after(before, "alice")).hasSize(2);
  }

  @Test
  void whenAnEndIsToldTheJobHasEnded() throws Exception {
    long before = jobs.changes().newest();
    CountDownLatch told = new CountDownLatch(1);
    List<JobState> statesWhenTold = new ArrayList<>();
    try (Registration _ =
        jobs.changes()
            .onMore(
                Optional.of("alice"),
                () -> {
                  for (JobChange change : after(before, "alice")) {
                    if (change.status().end().isPresent() && told.getCount() > 0) {
                      statesWhenTold.add(jobs.find(change.status().id()).status().state());
                      told.countDown();
                    }
                  }
                })) {
      start("alice", JobSpec.of("true"));
      assertThat(told.await(120, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(statesWhenTold).containsExactly(JobState.EXITED);
  }

  @Test
  void whatIsNotKeptIsRefusedAndAnothersLoadForgetsNothing() {
    history = new JobsConfig.History(Duration.ofDays(7), 1, 2, JobsConfig.History.DEFAULT.specs());
    restart();
    long before = jobs.changes().newest();
    JobStatus bobs = run("bob", "true");
    run("alice", "true");
    restart(); // the next end of a job of alice's is the first that this one sees
    run("alice", "true");
    await()
        .atMost(TestJobs.PATIENCE)
        .untilAsserted(() ->
            assertThatThrownBy(() -> after(before, "alice"))
                .isInstanceOf(JobException.RevisionForgotten.class)
                .hasMessageContaining("not kept any more"));
    assertThat(after(before, "bob"))
        .isNotEmpty()
        .allSatisfy(change -> assertThat(change.status().id()).isEqualTo(bobs.id()));
    assertThatThrownBy(() -> jobs.changes().after(before, Optional.empty(), 9))
        .isInstanceOf(JobException.RevisionForgotten.class);
  }

  @Test
  void aRevisionOfAnotherDatabaseIsRefused() {
    assertThatThrownBy(() -> after(7, "alice")).isInstanceOf(JobException.RevisionForgotten.class);
    assertThatThrownBy(() -> after(jobs.changes().newest() + 1, "alice"))
        .isInstanceOf(JobException.RevisionForgotten.class)
        .hasMessageContaining("has given no revision after");
  }

  @Test
  void aJobInItsGraceIsStoppingForTheNextServerToo() throws Exception {
    JobStatus job =
        start(
            "alice",
            JobSpec.of("/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 1000; done"));
    await() // until the signal means nothing to it
        .atMost(TestJobs.PATIENCE)
        .until(() -> jobs.find(job.id()).status().outputBytes() == "up\n".length());
    long before = jobs.changes().newest();
    Thread stop =
        Thread.ofVirtual()
            .start(() -> {
              try {
                jobs.find(job.id()).stop(StopRequest.withGrace(Duration.ofHours(1)));
              } catch (JobException e) {
                // the library closes meanwhile
              }
            });
    await().atMost(TestJobs.PATIENCE).until(() -> said(after(before, "alice")).size() == 1);
    stop.interrupt();
    restart();
    assertThat(jobs.find(job.id()).status().state()).isEqualTo(JobState.STOPPING);
    assertThat(
            jobs.list(query(JobFilter.ALL.withStates(JobState.STOPPING), Optional.empty(), 9))
                .jobs())
        .hasSize(1);
  }

  private static JobQuery query(JobFilter filter, Optional<JobQuery.Position> after, int limit) {
    return new JobQuery(Optional.of("alice"), filter, after, limit);
  }

  @Test
  void listsGoBySequenceWhateverTheClockSays() {
    List<JobId> expected = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      expected.addFirst(run("alice", "true").id());
      clock.set(Duration.ofHours(i % 2 == 0 ? -20 : 10));
    }
    List<JobId> found = new ArrayList<>();
    Optional<JobQuery.Position> after = Optional.empty();
    do {
      JobPage page = jobs.list(query(JobFilter.ALL, after, 2));
      page.jobs().forEach(entry -> found.add(entry.status().id()));
      after = page.next();
      run("alice", "true"); // one comes, and one of those that were listed goes
      page.jobs().stream().limit(1).forEach(entry -> remove(entry.status()));
    } while (after.isPresent());
    assertThat(found).isEqualTo(expected);
  }

  @Test
  void jobsAreFoundByTheBeginningsOfTheirIdsAndByName() {
    JobStatus one = start("alice", JobSpec.builder(List.of("true")).name("one").build());
    JobStatus two = start("alice", JobSpec.builder(List.of("true")).name("two").build());
    start("alice", JobSpec.of("true"));
    start("bob", JobSpec.builder(List.of("true")).name("one").build());
    JobFilter.Naming naming =
        new JobFilter.Naming(List.of(two.id().toString().substring(0, 8)), List.of("one"));
    assertThat(jobs.list(query(JobFilter.ALL.withNaming(naming), Optional.empty(), 9)).jobs())
        .extracting(entry -> entry.status().id())
        .containsExactly(two.id(), one.id());
    JobFilter.Naming none = new JobFilter.Naming(List.of(), List.of("three"));
    assertThat(jobs.list(query(JobFilter.ALL.withNaming(none), Optional.empty(), 9)).jobs())
        .isEmpty();
  }

  @Test
  void whoeverWaitsNoLongerLeavesNothingBehind() throws Exception {
    JobStatus job = start("alice", JobSpec.of("sleep", "1000"));
    LocalJob handle = (LocalJob) jobs.find(job.id());
    List<Registration> waiting = new ArrayList<>();
    for (int i = 0; i < 1000; i++) {
      waiting.add(handle.onEnded(() -> {}));
    }
    assertThat(handle.active().orElseThrow().waiting()).isEqualTo(1000);
    waiting.forEach(Registration::close);
    assertThat(handle.active().orElseThrow().waiting()).isZero();
    CountDownLatch ended = new CountDownLatch(1);
    handle.onEnded(ended::countDown);
    handle.stop(StopRequest.withGrace(Duration.ZERO));
    assertThat(ended.await(120, TimeUnit.SECONDS)).isTrue();
    CountDownLatch again = new CountDownLatch(1);
    jobs.find(job.id()).onEnded(again::countDown);
    assertThat(again.getCount()).isZero();
  }
}
