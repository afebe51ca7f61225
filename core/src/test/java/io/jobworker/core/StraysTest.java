package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.StartRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A launcher that is killed on a host that holds the processes of its job together by nothing. */
@Timeout(180)
class StraysTest {
  @TempDir Path directory;

  private JobStatus start(Jobs jobs, String script) {
    return jobs.start(StartRequest.of(Owner.of("alice"), JobSpec.of("/bin/sh", "-c", script)))
        .status();
  }

  private long pidIn(Path file) {
    await().atMost(TestJobs.PATIENCE).until(() -> Files.exists(file) && Files.size(file) > 0);
    try {
      return Long.parseLong(Files.readString(file).strip());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static boolean isAlive(long pid) {
    return ProcessHandle.of(pid).map(ProcessHandle::isAlive).orElse(false);
  }

  @Test
  void nothingOfAJobLivesOnWhoseLauncherIsKilledAndOthersAreLeftAlone() throws Exception {
    Path state = directory.resolve("state");
    try (Jobs jobs = Jobs.open(TestJobs.bare(state))) {
      assertThat(jobs.cgroupProblem()).isPresent();
      String leave =
          "setsid sh -c 'echo $$ > %1$s/%2$s.new; mv %1$s/%2$s.new %1$s/%2$s; exec sleep 1000' & wait";
      JobStatus job = start(jobs, leave.formatted(directory, "stray"));
      JobStatus other = start(jobs, leave.formatted(directory, "other"));
      long stray = pidIn(directory.resolve("stray"));
      long others = pidIn(directory.resolve("other"));
      int launcher =
          FileCalls.lockHolder(state.resolve("jobs").resolve(job.id().toString()).resolve("life"));
      TestJobs.signal("KILL", launcher);
      ProcessCalls.reap(launcher);
      JobStatus ended = jobs.find(job.id()).whenEnded().orTimeout(60, TimeUnit.SECONDS).join();
      assertThat(ended.state()).isEqualTo(JobState.LOST);
      await()
          .atMost(TestJobs.PATIENCE)
          .until(() -> !isAlive(stray)); // a zombie, until it is reaped
      assertThat(List.of(isAlive(others), isAlive(other.mainPid()))).containsOnly(true);
      jobs.stopAll(Duration.ZERO);
      await().atMost(TestJobs.PATIENCE).until(() -> !isAlive(others));
    }
  }
}
