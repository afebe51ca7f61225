package io.jobworker.core.cgroup;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.cgroup.LimitFiles.DeviceLimit;
import io.jobworker.core.cgroup.LimitFiles.Place;
import io.jobworker.core.cgroup.LimitFiles.Setting;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Limits.IoLimit;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class LimitFilesTest {
  @Test
  void eachLimitIsWrittenIntoItsFileInTheCgroupThatItIsFor() {
    IoLimit io = new IoLimit("/x", 1, 0, 3, 0);
    Limits limits =
        Limits.NONE
            .with(Limit.CPU_MILLIS, 1500)
            .with(Limit.CPU_WEIGHT, 50)
            .with(Limit.MEMORY, ByteSize.ofMebibytes(64))
            .with(Limit.MEMORY_HIGH, ByteSize.ofMebibytes(32))
            .with(Limit.SWAP, 0)
            .with(Limit.PIDS, 7)
            .with(Limit.DISK, 1 << 20)
            .with(io);
    assertThat(LimitFiles.of(limits, List.of(new DeviceLimit("8:0", io)), 1))
        .containsExactly(
            new Setting(Place.JOB, "cpu.max", "150000 100000", "150000 100000"),
            new Setting(Place.SLOT, "cpu.weight", "50", "50"),
            new Setting(Place.JOB, "memory.max", "67108864", "67108864"),
            new Setting(Place.JOB, "memory.high", "33554432", "33554432"),
            new Setting(Place.JOB, "memory.swap.max", "0", "0"),
            new Setting(Place.JOB, "pids.max", "8", "8"),
            new Setting(
                Place.SLOT,
                "io.max",
                "8:0 rbps=1 wbps=max riops=3 wiops=max",
                "8:0 rbps=1 wbps=max riops=3 wiops=max"));
  }

  @Test
  void aFileNeedsTheControllerThatItsNameBeginsWith() {
    Limits limits = Limits.NONE;
    for (Limit limit : Limit.values()) {
      limits = limits.with(limit, 1);
    }
    assertThat(LimitFiles.of(limits, List.of(), 0).stream().map(Setting::controller))
        .hasSize(Limit.values().length - 1) // the disk's is the launcher's affair
        .isSubsetOf(Arrays.stream(Controller.values()).map(Controller::toString).toList());
    assertThat(LimitFiles.oomGroup().controller()).isEqualTo("memory");
  }

  @Test
  void memoryIsReadBackInWholePagesOfThisKernel() throws Exception {
    Process getconf = new ProcessBuilder("getconf", "PAGESIZE").start();
    String answer = new String(getconf.getInputStream().readAllBytes(), US_ASCII);
    int page = Integer.parseInt(answer.strip());
    Limits limits = Limits.NONE.with(Limit.MEMORY, ByteSize.of(100L * page + 1));
    Setting memory = LimitFiles.of(limits, List.of(), 0).getFirst();
    assertThat(memory.text()).isEqualTo(Long.toString(100L * page + 1));
    assertThat(memory.readBack()).isEqualTo(Long.toString(100L * page));
  }

  @Test
  void onAKernelWithLargePagesLessIsLeftOfIt() {
    assertThat(LimitFiles.wholePages(100 << 10, 4 << 10)).isEqualTo(100 << 10);
    assertThat(LimitFiles.wholePages(100 << 10, 64 << 10)).isEqualTo(64 << 10);
  }
}
