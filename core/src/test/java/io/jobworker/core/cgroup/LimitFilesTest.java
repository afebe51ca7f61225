package io.jobworker.core.cgroup;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.core.cgroup.LimitFiles.Setting;
import io.jobworker.core.job.ByteSize;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.util.List;
import org.junit.jupiter.api.Test;

class LimitFilesTest {
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
