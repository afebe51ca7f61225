package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that cannot start leaves everything as it was. */
@Timeout(180)
class FailedStartTest {
  @Test
  void jobsThatAreToBeStoppedWithTheServerAreNotStoppedByOneThatCannotStart() throws Exception {
    try (RunningServer server =
        RunningServer.start(toml -> toml.replace("jobs = \"keep\"", "jobs = \"stop\""))) {
      String id = server.startJob("alice", "sleep 1000");
      server.event("job.started", id);
      server.kill();
      try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        RunningServer.Result refused =
            server.admin("serve", "--listen", "127.0.0.1:" + taken.getLocalPort());
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("cannot listen on 127.0.0.1:");
      }
      server.restart();
      assertThat(server.status("alice", id).path("status").asString()).isEqualTo("running");
    }
  }
}
