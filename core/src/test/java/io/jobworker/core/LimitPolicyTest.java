package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.util.List;
import org.junit.jupiter.api.Test;

class LimitPolicyTest {
  private static final Limits NONE = Limits.NONE;

  private static Limits memory(long mebibytes) {
    return Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(mebibytes));
  }

  private static Limits applied(Limits asked, Limits defaults, Limits ceilings) {
    JobSpec spec = JobSpec.builder(List.of("true")).limits(asked).build();
    return LimitPolicy.apply(spec, defaults, ceilings).limits();
  }

  @Test
  void whatIsNotAskedForIsTheDefaultAndElseTheCeiling() {
    assertThat(applied(NONE, memory(10), memory(20))).isEqualTo(memory(10));
    assertThat(applied(NONE, NONE, memory(20))).isEqualTo(memory(20));
    assertThat(applied(NONE, NONE, NONE)).isEqualTo(NONE);
    assertThat(applied(NONE, memory(30), memory(20))).isEqualTo(memory(20));
  }

  @Test
  void whatIsAskedForIsGivenUpToTheCeiling() {
    assertThat(applied(memory(15), memory(10), memory(20))).isEqualTo(memory(15));
    assertThat(applied(memory(20), memory(10), memory(20))).isEqualTo(memory(20));
  }

  @Test
  void moreThanTheCeilingIsRefusedByTheFieldsName() {
    assertThatThrownBy(() -> applied(memory(21), NONE, memory(20)))
        .isInstanceOf(JobException.InvalidSpec.class)
        .hasMessage("memory: is above your ceiling of 20MiB");
    Limits fourCpus = Limits.NONE.with(Limit.CPU_MILLIS, 4000);
    Limits twoCpus = Limits.NONE.with(Limit.CPU_MILLIS, 2000);
    assertThatThrownBy(() -> applied(fourCpus, NONE, twoCpus))
        .hasMessageStartingWith("cpu-millis: ");
  }

  @Test
  void whatIsNotAskedForMakesNoOtherJobOfARepetitionWhateverTheDefaultIsNow() {
    JobSpec asked = JobSpec.builder(List.of("true")).build();
    assertThat(asked.differences(asked.withLimits(memory(10)))).isEmpty();
    assertThat(asked.withLimits(memory(5)).differences(asked.withLimits(memory(10))))
        .containsExactly(Limit.MEMORY);
    assertThat(asked.withLimits(memory(5)).differences(asked)).containsExactly(Limit.MEMORY);
  }
}
