package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.StartFaults;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A sample of the calls; {@code acceptance/torture --faults} visits all of them. */
class StartFaultsTest {
  @BeforeEach
  void needStrace() {
    assumeTrue(StartFaults.isPossible(), "strace is not there, or may not trace");
  }

  @Test
  void whicheverCallALauncherIsKilledAtARepeatedStartHappensOnce() throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas());
        StartFaults faults = new StartFaults(server)) {
      faults.killLaunchers(3, 13);
      faults.verify();
      assertThat(faults.wrong()).isEmpty();
      assertThat(faults.struck()).isGreaterThan(5);
    }
  }

  @Test
  void whereverTheServerIsKilledARepeatedStartHappensOnceHoweverLateTheLauncherIs()
      throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas());
        StartFaults faults = new StartFaults(server)) {
      faults.killServer("?mkdir,?mkdirat", 1); // recorded
      faults.killServer("recvmsg", 2); // launched
      faults.killServer("pwrite64", 4); // executing
      faults.delayLaunchers(30, 1000);
      faults.verify();
      assertThat(faults.wrong()).isEmpty();
      assertThat(faults.struck()).isGreaterThan(2);
    }
  }
}
