package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Removal;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.StartRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is told of jobs, and to whom. */
@Timeout(120)
class JobEventsTest {
  private static final Requester SCHEDULE = Requester.named("nightly");

  @TempDir Path directory;
  private final List<JobEvent> heard = new CopyOnWriteArrayList<>();

  @AfterEach
  void removeCgroups() {
    TestJobs.removeCgroups();
  }

  private Job run(Jobs jobs) {
    Job job =
        jobs.start(new StartRequest(SCHEDULE, Owner.of("alice"), JobSpec.of("true"), new byte[0]));
    job.whenEnded().orTimeout(60, TimeUnit.SECONDS).join();
    return job;
  }

  @Test
  void everyListenerHearsWhoAskedAlthoughAnotherThrows() {
    JobListener broken =
        event -> {
          throw new IllegalStateException("a listener that throws, for a test");
        };
    try (Jobs jobs = Jobs.open(TestJobs.config(directory), broken, heard::add)) {
      Job job = run(jobs);
      await()
          .atMost(Duration.ofSeconds(60))
          .ignoreExceptionsMatching(JobException.Unavailable.class::isInstance)
          .until(() -> {
            job.remove(SCHEDULE); // once it is cleaned up
            return true;
          });
      assertThat(heard).hasSize(3).allMatch(event -> event.job().equals(job.id()));
      assertThat(heard.get(0))
          .isInstanceOfSatisfying(
              JobEvent.Started.class, started -> assertThat(started.by()).isEqualTo(SCHEDULE));
      assertThat(heard.get(1)).isInstanceOf(JobEvent.Ended.class);
      assertThat(heard.get(2))
          .isEqualTo(
              new JobEvent.Removed(job.id(), "alice", Removal.REQUESTED, Optional.of(SCHEDULE)));
    }
  }

  @Test
  void aHandleGoesOnFromRunningToEnded() throws Exception {
    try (Jobs jobs = Jobs.open(TestJobs.config(directory))) {
      Job job = run(jobs);
      Job again = jobs.find(job.id());
      assertThat(job.status()).isEqualTo(again.status());
      assertThat(job.status().state().isFinal()).isTrue();
      assertThat(job.usage()).isEqualTo(again.usage());
      assertThat(job.output().newest(10)).isEqualTo(again.output().newest(10));
    }
  }
}
