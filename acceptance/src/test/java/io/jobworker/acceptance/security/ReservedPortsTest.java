package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.support.ServerProcess;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A job waits for the server to go, to take its place. */
@Timeout(300)
class ReservedPortsTest {
  /** When told to, tries to bind a port in each way that there is, and says what came of it. */
  private static final String ATTACK =
      """
      my ($sign, $port) = @ARGV; open my $in, '<', $sign or die; <$in>; $| = 1;
      for my $protocol (0, 262) {
        for my $address ("127.0.0.1", "0.0.0.0") {
          socket(my $s, PF_INET, SOCK_STREAM, $protocol) or next;
          print bind($s, pack_sockaddr_in($port, inet_aton($address))) ? "bound" : "$!", "\\n";
        }
        for my $address ("::", "::1", "::ffff:127.0.0.1") {
          socket(my $s, PF_INET6, SOCK_STREAM, $protocol) or next;
          my $to = pack_sockaddr_in6($port, Socket::inet_pton(PF_INET6, $address));
          print bind($s, $to) ? "bound" : "$!", "\\n";
        }
      }
      socket(my $s, PF_INET, SOCK_STREAM, 0) or die;
      print bind($s, pack_sockaddr_in(0, INADDR_LOOPBACK)) ? "another: bound" : "$!", "\\n";
      """;

  private static Path fifo(Path directory) throws Exception {
    Path fifo = directory.resolve("sign");
    assertThat(new ProcessBuilder("mkfifo", "-m", "666", fifo.toString()).start().waitFor())
        .isZero();
    return fifo;
  }

  @Test
  void noJobTakesTheServersPortWhileThatIsAway() throws Exception {
    assumeTrue(Files.exists(Path.of("/usr/bin/perl")), "no perl");
    Path directory = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-port-");
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path sign = fifo(directory);
    try (ServerProcess server = ServerProcess.start();
        RandomAccessFile told = new RandomAccessFile(sign.toFile(), "rw")) { // waits for no reader
      assumeTrue(
          server.admin("check").succeeded().text().contains("ok       ports"), "no such kernel");
      String port = Integer.toString(server.port());
      String id =
          server
              .as("alice")
              .start("--", "perl", "-MSocket=:all", "-e", ATTACK, sign.toString(), port);
      server.kill();
      told.writeBytes("go\n");
      server.restart();
      assertThat(server.as("alice").run("logs", id).succeeded().text().lines())
          .contains("another: bound")
          .filteredOn(line -> !line.startsWith("another"))
          .hasSizeGreaterThanOrEqualTo(2)
          .containsOnly("Operation not permitted");
    } finally {
      Files.delete(sign);
      Files.delete(directory);
    }
  }
}
