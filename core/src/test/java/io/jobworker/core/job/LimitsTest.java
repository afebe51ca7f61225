package io.jobworker.core.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.base.units.ByteSize;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

class LimitsTest {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private static final Limits ALL =
      Limits.NONE
          .with(Limit.CPU_MILLIS, 1500)
          .with(Limit.CPU_WEIGHT, 50)
          .with(Limit.MEMORY, ByteSize.ofMebibytes(64))
          .with(Limit.MEMORY_HIGH, ByteSize.of(5))
          .with(Limit.SWAP, ByteSize.of(0))
          .with(Limit.PIDS, 7)
          .with(Limit.DISK, ByteSize.of(8))
          .with(new Limits.IoLimit("/x", 1, 2, 3, 4));

  private static Limits read(String json) {
    return JSON.readValue(json, Limits.class);
  }

  /** Databases have such text in them. */
  @Nested
  class AsTheyAreStored {
    private static final String ALL_STORED =
        """
        {"cpuMillis":1500,"cpuWeight":50,"memory":67108864,"memoryHigh":5,"swap":0,"pids":7,\
        "disk":8,\
        "io":[{"path":"/x","readBps":1,"writeBps":2,"readIops":3,"writeIops":4}]}\
        """;

    private static final String NONE_STORED =
        """
        {"cpuMillis":null,"cpuWeight":null,"memory":null,"memoryHigh":null,"swap":null,"pids":null,\
        "disk":null,\
        "io":[]}\
        """;

    @Test
    void haveAMemberForEachLimit() {
      assertThat(JSON.readTree(JSON.writeValueAsString(ALL))).isEqualTo(JSON.readTree(ALL_STORED));
      assertThat(JSON.writeValueAsString(Limits.NONE)).isEqualTo(NONE_STORED);
    }

    @Test
    void areReadAsTheyWere() {
      assertThat(read(ALL_STORED)).isEqualTo(ALL);
      assertThat(read(NONE_STORED)).isEqualTo(Limits.NONE);
    }

    @Test
    void areReadFromBeforeALimitWasThereAndFromWhenAnotherWas() {
      assertThat(read("{\"io\":[],\"pids\":7,\"another\":8,\"empty\":false}"))
          .isEqualTo(Limits.NONE.with(Limit.PIDS, 7));
      assertThat(read("{\"io\":[]}")).isEqualTo(Limits.NONE);
    }

    @Test
    void areNotReadWhenTheyAreNoAmounts() {
      assertThatThrownBy(() -> read("{\"io\":[],\"pids\":\"many\"}"))
          .isInstanceOf(JacksonException.class)
          .hasMessageContaining("pids is not a number");
    }
  }

  @Test
  void amountsAreInTheOrderOfTheTable() {
    Limits backwards = Limits.NONE.with(Limit.PIDS, 1).with(Limit.CPU_MILLIS, 2);
    assertThat(List.copyOf(backwards.amounts().keySet()))
        .containsExactly(Limit.CPU_MILLIS, Limit.PIDS);
  }

  @Test
  void onlyWhatCountsBytesTakesASize() {
    assertThatThrownBy(() -> Limits.NONE.with(Limit.PIDS, ByteSize.of(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("pids does not count bytes");
  }

  @Test
  void whatIsOutOfTheBoundsOfItsRowIsRefused() {
    assertThatThrownBy(() -> Limit.CPU_WEIGHT.requireWithin(10_001))
        .isInstanceOf(JobException.InvalidSpec.class)
        .hasMessage("cpu-weight: from 1 to 10000");
    assertThatThrownBy(() -> Limit.PIDS.requireWithin(0)).hasMessage("pids: from 1 to 4000000");
    assertThatThrownBy(() -> Limit.MEMORY.requireWithin(1)).hasMessage("memory: at least 1MiB");
    assertThatThrownBy(() -> Limit.SWAP.requireWithin(-1)).hasMessage("swap: at least 0B");
    Limit.SWAP.requireWithin(0);
    Limit.MEMORY.requireWithin(1 << 20);
  }
}
