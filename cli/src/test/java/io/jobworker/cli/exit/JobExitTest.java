package io.jobworker.cli.exit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.util.Durations;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.Reason;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JobExitTest {
  private static JobStatusResponse.Builder ended(Reason reason) {
    return JobStatusResponse.newBuilder().setId("813c08e2").setReason(reason);
  }

  @Test
  void anExitCodeIsTheJobsOwnAlsoWhereItLooksLikeOneOfOurs() {
    for (int code : new int[] {0, 3, 124, 125, 137, 255}) {
      JobExit exit = JobExit.of(ended(Reason.REASON_EXITED).setExitCode(code).build());
      assertThat(exit.code()).isEqualTo(code);
      assertThat(exit.line()).isEmpty();
    }
  }

  @Test
  void aSignalIsAddedTo128() {
    assertThat(JobExit.of(ended(Reason.REASON_SIGNALED).setSignal(11).build()).code())
        .isEqualTo(139);
  }

  @Test
  void aStoppedJobEndedByItsCodeOrByTheSignal() {
    assertThat(JobExit.of(ended(Reason.REASON_STOPPED).setExitCode(4).build()).code()).isEqualTo(4);
    assertThat(JobExit.of(ended(Reason.REASON_STOPPED).setSignal(9).build()).code()).isEqualTo(137);
  }

  @Test
  void outOfMemoryIs137AndSaysSo() {
    JobStatusResponse.Builder job = ended(Reason.REASON_OOM_KILLED).setSignal(9);
    job.getSpecBuilder().getLimitsBuilder().setMemoryBytes(256 << 20);
    JobExit exit = JobExit.of(job.build());
    assertThat(exit.code()).isEqualTo(137);
    assertThat(exit.line().orElseThrow()).contains("out of memory", "256MiB");
  }

  @Test
  void aTimeOutIs124AndSaysAfterHowLong() {
    JobStatusResponse.Builder job = ended(Reason.REASON_TIMED_OUT).setSignal(9);
    job.getSpecBuilder().setTimeout(Durations.fromMillis(90_500));
    JobExit exit = JobExit.of(job.build());
    assertThat(exit.code()).isEqualTo(124);
    assertThat(exit.line()).contains("timed out after 1m30.5s");
  }

  @Test
  void aLostJobIs125AndSaysWhy() {
    JobExit exit = JobExit.of(ended(Reason.REASON_LOST).setDetail("host restarted").build());
    assertThat(exit.code()).isEqualTo(125);
    assertThat(exit.line().orElseThrow()).contains("host restarted");
  }

  @Test
  void aJobThatWasNeverStartedIsOurFailureAndSaysAtWhatItFailed() {
    JobExit exit = JobExit.of(ended(Reason.REASON_NEVER_STARTED).setDetail("exec: no").build());
    assertThat(exit)
        .isEqualTo(new JobExit(125, Optional.of("the job was never started: exec: no")));
  }

  @Test
  void aJobThatRunsHasNoExit() {
    JobStatusResponse running = JobStatusResponse.newBuilder().setStatus("running").build();
    assertThatThrownBy(() -> JobExit.of(running)).isInstanceOf(IllegalArgumentException.class);
  }
}
