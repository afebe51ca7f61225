package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.LauncherFaults;
import io.jobworker.acceptance.torture.StartFaults;
import java.util.List;
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
      for (String call : List.of("chdir", "memfd_create", "fsync", "clone3", "mount", "execve")) {
        faults.killLauncher(call, 1);
      }
      faults.killLauncher("openat", 4);
      faults.killLauncher("sendto", 3); // it has started
      faults.verify();
      assertThat(faults.wrong()).isEmpty();
      assertThat(faults.struck()).isGreaterThan(4);
    }
  }

  @Test
  void whicheverCallOfAnEndALauncherIsKilledAtTheJobEndedSoOrIsLost() throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas());
        LauncherFaults faults = new LauncherFaults(server)) {
      faults.kill(LauncherFaults.Ending.EXIT, "wait4", 2);
      faults.kill(LauncherFaults.Ending.EXIT, "rename", 1);
      faults.kill(LauncherFaults.Ending.EXIT, "exit_group", 1);
      assertThat(faults.wrong()).isEmpty();
      assertThat(faults.struck()).isEqualTo(3);
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
      faults.delayLauncher("mount", 2);
      faults.verify();
      assertThat(faults.wrong()).isEmpty();
      assertThat(faults.struck()).isGreaterThan(2);
    }
  }
}
