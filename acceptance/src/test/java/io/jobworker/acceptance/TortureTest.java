package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.acceptance.torture.Torture;
import org.junit.jupiter.api.Test;

/** The short run; {@code acceptance/torture --minutes N} is the long one. */
class TortureTest {
  @Test
  void nothingIsLostThroughThirtyDeathsOfTheServer() throws Exception {
    long seed = System.nanoTime();
    try (RunningServer server = RunningServer.start(RunningServer::withoutQuotas)) {
      Torture.Result result = new Torture(server, seed, kills -> kills >= 30).run();
      assertThat(result.wrong()).as("seed " + seed).isEmpty();
      assertThat(result.ends()).isEqualTo(result.jobs()).isPositive();
      assertThat(result.lines()).isPositive();
    }
  }
}
