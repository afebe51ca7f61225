package io.jobworker.server.rpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Descriptors.FieldDescriptor;
import io.jobworker.api.v1.Limits;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.Limit;
import io.jobworker.server.gate.FieldNames;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class WireLimitsTest {
  @Test
  void theContractHasAFieldForEachLimitAndNoOther() {
    List<String> amounts =
        Limits.getDescriptor().getFields().stream()
            .filter(field -> !field.isRepeated())
            .map(FieldDescriptor::getName)
            .toList();
    assertThat(amounts)
        .containsExactlyInAnyOrderElementsOf(
            Arrays.stream(Limit.values()).map(FieldNames::of).toList());
  }

  @ParameterizedTest
  @EnumSource
  void anAmountComesBackAsItWasSent(Limit limit) {
    io.jobworker.core.job.Limits limits = io.jobworker.core.job.Limits.NONE.with(limit, 7);
    Limits wire = WireLimits.toWire(limits);
    assertThat(wire.getAllFields()).hasSize(1);
    assertThat(WireLimits.fromWire(wire)).isEqualTo(limits);
  }

  @Test
  void zeroIsNoLimitButForSwap() {
    Limits zeros = Limits.newBuilder().setCpuMillis(0).setMemoryBytes(0).setSwapBytes(0).build();
    assertThat(WireLimits.fromWire(zeros))
        .isEqualTo(io.jobworker.core.job.Limits.NONE.with(Limit.SWAP, 0));
    assertThat(WireLimits.fromWire(Limits.getDefaultInstance()))
        .isEqualTo(io.jobworker.core.job.Limits.NONE);
  }

  @Test
  void aNumberThatJavaTakesForANegativeOneIsALargeOne() {
    assertThat(WireLimits.fromWire(Limits.newBuilder().setPids(-1).build()).of(Limit.PIDS))
        .hasValue(4_294_967_295L);
    assertThatThrownBy(() -> WireLimits.fromWire(Limits.newBuilder().setSwapBytes(-1).build()))
        .isInstanceOf(JobException.InvalidSpec.class)
        .hasMessage("swap: too large a number");
  }
}
