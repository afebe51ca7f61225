package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.core.JobsConfig.Defaults;
import io.jobworker.core.JobsConfig.Unenforceable;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Defaults on a host that has no controllers. */
class DefaultLimitsTest {
  private static final Limits DEFAULT = Limits.NONE.with(Limit.PIDS, 1000);

  @TempDir private Path directory;

  private TestJobs jobs(Unenforceable then) {
    Path state = directory.resolve("state");
    return new TestJobs(TestJobs.bare(state, new Defaults(DEFAULT, then)));
  }

  @Test
  void thatCannotBeEnforcedAreSkippedAndTheJobSaysThatItHasNone() throws Exception {
    try (TestJobs jobs = jobs(Unenforceable.SKIP)) {
      var job = jobs.ended(jobs.shell("true", Limits.NONE));
      assertThat(job.spec().limits()).isEqualTo(Limits.NONE);
    }
  }

  @Test
  void thatAreDemandedRefuseAJobRatherThanLetItGoWithout() {
    try (TestJobs jobs = jobs(Unenforceable.REFUSE)) {
      assertThatThrownBy(() -> jobs.shell("true", Limits.NONE))
          .isInstanceOf(JobException.CannotEnforce.class)
          .hasMessageContaining("controller 'pids'");
    }
  }

  @Test
  void doNotKeepALimitThatIsAskedForFromBeingRefused() {
    try (TestJobs jobs = jobs(Unenforceable.SKIP)) {
      assertThatThrownBy(() -> jobs.shell("true", DEFAULT))
          .isInstanceOf(JobException.CannotEnforce.class)
          .hasMessageContaining("controller 'pids'");
    }
  }
}
