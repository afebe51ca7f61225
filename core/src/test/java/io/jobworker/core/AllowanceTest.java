package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Allowance;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** No owner has more than it is allowed. */
@Timeout(300)
class AllowanceTest {
  private static final JobSpec FOR_EVER = JobSpec.of("sleep", "1000");

  @TempDir Path state;
  private TestJobs jobs;

  @BeforeEach
  void open() throws Exception {
    jobs = new TestJobs(state);
  }

  @AfterEach
  void close() throws Exception {
    jobs.close();
  }

  private static Owner owner(String name, int runningJobs, ByteSize retained, Limits ceilings) {
    return new Owner(name, Optional.empty(), new Allowance(runningJobs, retained, ceilings));
  }

  private static Owner withJobs(String name, int count) {
    return owner(name, count, Allowance.UNLIMITED.retainedOutput(), Limits.NONE);
  }

  @Test
  void anOwnerAtItsNumberOfJobsWaitsForTheEndOfOneAndOthersDoNot() throws Exception {
    Owner alice = withJobs("alice", 2);
    JobStatus first = jobs.start(alice, FOR_EVER);
    jobs.start(alice, FOR_EVER);
    assertThatThrownBy(() -> jobs.start(alice, FOR_EVER))
        .isInstanceOf(JobException.QuotaExceeded.class)
        .hasMessage("over the quota running-jobs: 2 of 2 are running");
    jobs.start(withJobs("bob", 1), FOR_EVER);
    jobs.jobs().find(first.id()).stop(StopRequest.DEFAULT);
    jobs.start(alice, FOR_EVER);
  }

  @Test
  void jobsOfAnotherServersLifeAreCounted() throws Exception {
    JobStatus job = jobs.start(withJobs("alice", 1), FOR_EVER);
    jobs.restart(() -> {});
    assertThatThrownBy(() -> jobs.start(withJobs("alice", 1), FOR_EVER))
        .isInstanceOf(JobException.QuotaExceeded.class);
    jobs.jobs().find(job.id()).stop(StopRequest.DEFAULT);
    jobs.start(withJobs("alice", 1), FOR_EVER);
  }

  @Test
  void aStartThatFailsCountsForNothing() {
    Owner alice = withJobs("alice", 1);
    for (int i = 0; i < 3; i++) {
      assertThatThrownBy(() -> jobs.start(alice, JobSpec.of("/no/such/program")))
          .isInstanceOf(JobException.LaunchFailed.class);
    }
    jobs.start(alice, FOR_EVER);
  }

  @Test
  void startsAtOnceDoNotSlipThrough() throws Exception {
    Owner alice = withJobs("alice", 3);
    List<Callable<Boolean>> starts = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      starts.add(() -> {
        try {
          jobs.start(alice, FOR_EVER);
          return true;
        } catch (JobException.QuotaExceeded e) {
          return false;
        }
      });
    }
    int started = 0;
    try (ExecutorService threads = Executors.newFixedThreadPool(20)) {
      for (Future<Boolean> start : threads.invokeAll(starts)) {
        started += start.get() ? 1 : 0;
      }
    }
    assertThat(started).isEqualTo(3);
  }

  @Test
  void keptOutputBeyondTheAllowanceRefusesTheNextJobUntilItIsRemoved() throws Exception {
    Owner alice = owner("alice", 10, ByteSize.of(100_000), Limits.NONE);
    JobSpec writes = JobSpec.of("head", "-c", "100000", "/dev/zero");
    JobStatus wrote = jobs.jobs().start(StartRequest.of(alice, writes)).status();
    jobs.jobs().find(wrote.id()).whenEnded().get(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    assertThatThrownBy(() -> jobs.start(alice, FOR_EVER))
        .isInstanceOf(JobException.QuotaExceeded.class)
        .hasMessageContaining("retained-output");
    await()
        .atMost(TestJobs.PATIENCE)
        .ignoreExceptions()
        .untilAsserted(() ->
            jobs.jobs().find(wrote.id()).remove(Requester.named("alice"))); // once it is cleaned up
    jobs.start(alice, FOR_EVER);
  }

  @Test
  void keptOutputOfAnotherServersLifeIsCounted() throws Exception {
    Owner alice = owner("alice", 10, ByteSize.of(100_000), Limits.NONE);
    JobStatus wrote = jobs.start(alice, JobSpec.of("head", "-c", "100000", "/dev/zero"));
    jobs.jobs().find(wrote.id()).whenEnded().get(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
    jobs.restart(() -> {});
    assertThatThrownBy(() -> jobs.start(alice, FOR_EVER))
        .isInstanceOf(JobException.QuotaExceeded.class);
    jobs.start(Owner.of("bob"), FOR_EVER);
  }

  @Test
  void noJobMayHaveMoreThanItsOwnersCeiling() {
    Owner alice = owner("alice", 10, ByteSize.ofMebibytes(1), Limits.NONE.with(Limit.PIDS, 10));
    assertThatThrownBy(() ->
            jobs.start(
                alice,
                JobSpec.builder(List.of("true")).limits(Limits.NONE.with(Limit.PIDS, 11)).build()))
        .isInstanceOf(JobException.InvalidSpec.class)
        .hasMessageStartingWith("pids: ");
  }
}
