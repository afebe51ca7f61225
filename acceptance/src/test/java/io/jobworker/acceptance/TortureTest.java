package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.Torture;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** The short run; {@code acceptance/torture --minutes N} is the long one. */
@Order(1)
class TortureTest {
  @Test
  void nothingIsLostThroughADozenDeathsOfTheServer() throws Exception {
    long seed = System.nanoTime();
    try (ServerProcess server =
        ServerProcess.start(ServerToml.withoutQuotas(), ServerProcess.DAEMON)) {
      Torture.Result result = new Torture(server, seed, kills -> kills >= 12).run();
      assertThat(result.wrong()).as("seed " + seed).isEmpty();
      assertThat(result.ends()).isEqualTo(result.jobs()).isPositive();
      assertThat(result.lines()).isPositive();
    }
  }
}
