package io.jobworker.server.quota;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Allowance;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class QuotasTest {
  /** Databases have such text in them. */
  private static final String ALL =
      "running-jobs=1 starts-per-second=2 calls=3 streams=4 connections=5 retained-output=6GiB"
          + " max-cpu-millis=7 max-memory=8MiB max-memory-high=9MiB max-pids=10 max-disk=11MiB";

  @Test
  void areReadAsTheyAreWritten() {
    assertThat(Quotas.parse(ALL)).hasToString(ALL);
    assertThat(Quotas.parse("")).hasToString("");
    assertThat(Quotas.parse("max-pids=0 running-jobs=0")).hasToString("running-jobs=0 max-pids=0");
  }

  @Test
  void haveANameForEachRow() {
    String[] names = ALL.replaceAll("=\\w+", "").split(" ");
    assertThat(Quotas.names()).containsExactly(names);
  }

  @Test
  void whatIsNotGivenIsTheOthersAndZeroIsNoBound() {
    Quotas others =
        Quotas.of(
            Map.of(Quota.RUNNING_JOBS, 10L, Quota.CALLS, 20L),
            Limits.NONE.with(Limit.PIDS, 30).with(Limit.MEMORY, 40));
    Quotas all = Quotas.parse("calls=0 max-pids=3").orElse(others);
    assertThat(all.of(Quota.RUNNING_JOBS)).hasValue(10);
    assertThat(all.of(Quota.CALLS)).isEmpty();
    assertThat(all.allowance())
        .isEqualTo(
            new Allowance(
                10,
                ByteSize.of(Long.MAX_VALUE),
                Limits.NONE.with(Limit.PIDS, 3).with(Limit.MEMORY, 40)));
    assertThat(all.with(List.of("max-pids=default")))
        .hasToString("running-jobs=10 calls=0 max-memory=40B");
  }

  @Test
  void whatCannotBeReadIsRefusedWithWhatCan() {
    assertThatThrownBy(() -> Quotas.NONE.with(List.of("calls=-1")))
        .hasMessage("calls: '-1' is not a number from 0 to 1000000000");
    assertThatThrownBy(() -> Quotas.NONE.with(List.of("max-memory=much")))
        .hasMessage("max-memory: 'much' is not a size; write 512M, 20G");
    assertThatThrownBy(() -> Quotas.NONE.with(List.of("max-memory=1K")))
        .hasMessage("max-memory: no job can have 1KiB: at least 1MiB, or 0 for no ceiling");
    assertThatThrownBy(() -> Quotas.NONE.with(List.of("max-swap=1")))
        .hasMessageStartingWith(
            "'max-swap=1' is not QUOTA=VALUE, where QUOTA is one of running-jobs, ")
        .hasMessageEndingWith(", max-memory-high, max-pids, max-disk");
  }
}
