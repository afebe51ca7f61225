package io.jobworker.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Usage;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WireUsageTest {
  private static JobStatusResponse ended(Usage usage) {
    JobEnd end =
        new JobEnd(
            EndReason.EXITED, OptionalInt.of(0), OptionalInt.empty(), Instant.EPOCH, usage, "");
    JobStatus job =
        new JobStatus(
            JobId.random(),
            "alice",
            JobSpec.of("true"),
            end.state(),
            Instant.EPOCH,
            1,
            Optional.of(end),
            0,
            0,
            "");
    return new Measured(Set.of(), false).mark(Wire.statusResponse(job, "", usage));
  }

  @Test
  void whatCouldNotBeReadAtTheEndIsUnmeasured() {
    Duration untold = Duration.ofNanos(-1000);
    JobStatusResponse job =
        ended(new Usage(untold, Duration.ZERO, 0, 7, Usage.UNTOLD, 8, Usage.UNTOLD, 0));
    assertThat(job.getUnmeasuredList()).containsExactly("cpu_usec", "oom_kills", "io_write_bytes");
    assertThat(job.getUsage().getCpuUsec()).isZero();
    assertThat(job.getUsage().getOomKills()).isZero();
    assertThat(job.getUsage().getMemoryPeakBytes()).isEqualTo(7);
  }

  @Test
  void whatNobodyCountsIsZeroOnceAJobHasEnded() {
    assertThat(ended(Usage.NONE).getUnmeasuredList()).isEmpty();
  }
}
