package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.base.linux.ProcessCalls;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A server that cannot start leaves everything as it was. */
@Timeout(600)
class FailedStartTest {
  /** Executes its arguments with a directory for its root in which everything else is mounted. */
  private static final String CHROOT =
      """
      for entry in /*; do
          if [ -L "$entry" ]; then cp -P "$entry" "$0"
          elif [ -d "$entry" ]; then mkdir "$0$entry" && mount --rbind "$entry" "$0$entry"
          fi
      done
      exec chroot "$0" "$@"
      """;

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
  void aServerInAPlainChrootSaysWhatItNeeds() throws Exception {
    assumeTrue(ProcessCalls.isRoot(), "chroot(2) takes root");
    try (ServerProcess server = ServerProcess.start()) {
      server.kill();
      Path root = Files.createDirectory(server.directory().resolve("root"));
      Result refused =
          server.adminAlone(
              List.of("unshare", "--mount", "sh", "-c", CHROOT, root.toString()), "check");
      assertThat(refused.text() + refused.err())
          .contains("in a chroot or a container, / must be a mount point (mount --bind / /)");
    }
  }

  @Test
  void nativeCodeIsUnpackedWhereOnlyTheServerWritesAndLeftoversGo() throws Exception {
    try (ServerProcess server = ServerProcess.start()) {
      assertThat(Files.readString(Path.of("/proc/" + server.pid() + "/maps")))
          .contains(
              server.directory() + "/run/libio_grpc_netty_shaded_netty_transport_native_epoll");
      server.kill();
      Path killed = Files.createFile(server.directory().resolve("run/libleft.so"));
      server.restart();
      assertThat(killed).doesNotExist();
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
