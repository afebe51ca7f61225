package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that cannot start leaves everything as it was. */
@Timeout(180)
class FailedStartTest {
  @Test
  void jobsThatAreToBeStoppedWithTheServerAreNotStoppedByOneThatCannotStart() throws Exception {
    try (ServerProcess server =
        ServerProcess.start(ServerToml.shipped().with("shutdown.jobs", "stop"))) {
      String id = server.as("alice").start("sleep 1000");
      server.log().event("job.started", id);
      server.kill();
      try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        Result refused =
            server.adminAlone("serve", "--listen", "127.0.0.1:" + taken.getLocalPort());
        assertThat(refused.exitCode()).isEqualTo(1);
        assertThat(refused.err()).contains("cannot listen on 127.0.0.1:");
      }
      server.restart();
      assertThat(server.as("alice").status(id).path("status").asString()).isEqualTo("running");
    }
  }
}
