package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.base.linux.ProcessCalls;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that cannot start leaves everything as it was. */
@Timeout(180)
class FailedStartTest {
  @Test
  void aServerThatCouldStartNoJobSaysWhyAndWhatToDo() throws Exception {
    assumeTrue(ProcessCalls.isRoot(), "users are given to jobs by root only");
    try (ServerProcess server = ServerProcess.start()) {
      server.kill();
      List<String> elsewhere = List.of("unshare", "--user", "--map-root-user");
      for (String verb : List.of("serve", "check")) {
        Result refused = server.adminAlone(elsewhere, verb);
        assertThat(refused.text() + refused.err())
            .as(verb)
            .contains("a job's directory cannot be given to its user; user ")
            .contains("is not mapped in this user namespace", "isolation.uid-range");
      }
      assertThat(server.adminAlone("check").succeeded().text())
          .containsPattern("ok +start +a job was started");
      server.restart();
    }
  }

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
