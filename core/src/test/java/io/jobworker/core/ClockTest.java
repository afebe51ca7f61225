package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.JobOutput;
import io.jobworker.core.output.ReadResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a clock that is set back does to jobs that run meanwhile. */
class ClockTest {
  @TempDir Path directory;
  private final SetClock clock = new SetClock();

  @AfterEach
  void removeCgroups() {
    TestJobs.removeCgroups();
  }

  @Test
  void timesOfOutputDoNotGoBackAndNoJobEndsBeforeItBegan() throws Exception {
    clock.set(Duration.ofDays(1));
    JobsConfig defaults = JobsConfig.in(directory.resolve("state"));
    try (Jobs jobs =
        Jobs.open(
            TestJobs.config(
                defaults.stateDirectory(), defaults.output(), defaults.history(), clock))) {
      JobStatus job =
          jobs.start(
                  StartRequest.of(
                      Owner.of("alice"),
                      JobSpec.of("sh", "-c", "echo 1; until [ -e go ]; do :; done; echo 2")))
              .status();
      JobOutput output = jobs.find(job.id()).output();
      while (output.end() == 0) {
        Thread.onSpinWait();
      }
      clock.set(Duration.ofDays(-1));
      Files.createFile(defaults.stateDirectory().resolve("jobs/" + job.id() + "/work/go"));
      JobStatus ended =
          jobs.find(job.id())
              .whenEnded()
              .orTimeout(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS)
              .join();
      assertThat(ended.end().orElseThrow().at()).isAfterOrEqualTo(ended.createdAt());
      try (Cursor cursor = output.cursor(0, Optional.empty())) {
        Instant first = ((ReadResult.Chunk) cursor.read(new byte[2])).capturedAt();
        Instant second = ((ReadResult.Chunk) cursor.read(new byte[2])).capturedAt();
        assertThat(second).isAfterOrEqualTo(first);
        assertThat(output.offsetAt(first.plusMillis(1))).isGreaterThan(0);
      }
    }
  }
}
