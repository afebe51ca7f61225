package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.Cli;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import java.io.BufferedReader;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A socket that somebody else has opened for the server, as systemd.socket(5) does. */
@Timeout(300)
class GivenSocketTest {
  /** Listens at a port, says by which descriptor, and stays until its input ends. */
  private static final String HOLDER =
      """
      socket(my $socket, PF_INET, SOCK_STREAM, 0) or die; setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1) or die;
      bind($socket, pack_sockaddr_in($ARGV[0], INADDR_LOOPBACK)) or die; listen($socket, 64) or die;
      $| = 1; print fileno($socket), "\\n"; <STDIN>
      """;

  /** Takes it from there, by pidfd_open(2) and pidfd_getfd(2), and becomes a command. */
  private static final String TAKER =
      """
      my ($pid, $fd) = splice(@ARGV, 0, 2);
      my $process = syscall(434, $pid + 0, 0); my $socket = syscall(438, $process, $fd + 0, 0);
      die "pidfd_getfd: $!" if $process < 0 or $socket < 0;
      POSIX::dup2($socket, 3); $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; exec @ARGV
      """;

  private final int port = ServerProcess.freePort();
  private @Nullable Process holder;

  @AfterEach
  void letGo() {
    if (holder != null) {
      holder.destroy();
    }
  }

  private List<String> given() throws Exception {
    assumeTrue(Files.exists(Path.of("/usr/bin/perl")), "no perl");
    Process holding =
        new ProcessBuilder("perl", "-MSocket", "-e", HOLDER, Integer.toString(port))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    holder = holding;
    String descriptor;
    try (BufferedReader said = holding.inputReader()) {
      descriptor = said.readLine();
    }
    String pid = Long.toString(holding.pid());
    return List.of("perl", "-MPOSIX", "-e", TAKER, pid, descriptor);
  }

  @Test
  void nobodyElseCanHaveThePortWhileTheServerRestartsAndWhoConnectsWaitsForIt() throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.shipped(), given())) {
      assertThat(server.log().anyEvent("server.listening").path("address").asString())
          .isEqualTo("127.0.0.1:" + port);
      Cli alice = server.as("alice").at("127.0.0.1:" + port);
      String id = alice.start("sleep 1000");
      assertThat(server.terminate()).isZero();
      assertHeld();
      server.restart();
      alice.run("status", id).succeeded();
      server.kill();
      assertHeld();
      Process waiting = alice.spawn("status", "-o", "json", id);
      server.restart();
      assertThat(waiting.waitFor(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(waiting.exitValue()).isZero();
      alice.run("stop", id).succeeded();
    }
  }

  private void assertHeld() {
    assertThatThrownBy(() -> new ServerSocket(port, 1, InetAddress.getLoopbackAddress()))
        .isInstanceOf(BindException.class);
  }
}
