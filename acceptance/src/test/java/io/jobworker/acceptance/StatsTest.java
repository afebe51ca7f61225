package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What jobs use, as the command line shows it. */
@Timeout(180)
class StatsTest {
  private RunningServer server;

  @BeforeEach
  void start() {
    server = RunningServer.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void figuresGoOnWhenTheServerWasKilledAndCameBackAndEndWithTheJobs() throws Exception {
    String one = server.startJob("alice", "sleep 1000");
    String two = server.startJob("alice", "sleep 1000");
    Process stats = server.spawnCli("alice", "stats", "-o", "json");
    try (BufferedReader lines =
            new BufferedReader(new InputStreamReader(stats.getInputStream(), UTF_8));
        BufferedReader said =
            new BufferedReader(new InputStreamReader(stats.getErrorStream(), UTF_8))) {
      assertThat(lines.readLine() + lines.readLine()).contains(one, two);
      server.killAndRestart();
      assertThat(said.readLine()).contains("connection lost");
      server.cli("alice", "stop", one).succeeded();
      server.cli("alice", "stop", two).succeeded();
      String beforeLast = "";
      String last = "";
      for (String line; (line = lines.readLine()) != null; ) {
        beforeLast = last;
        last = line;
      }
      assertThat(beforeLast + last).contains(one, two);
      assertThat(beforeLast).contains("\"status\":\"stopped\"");
      assertThat(last).contains("\"status\":\"stopped\"");
      assertThat(stats.waitFor()).isZero();
    }
  }

  @Test
  void aJobThatIsNotThereIsRefusedAndNotWaitedFor() {
    String nobody = "00000000-0000-4000-8000-000000000000";
    RunningServer.Result refused = server.cli("alice", "stats", nobody);
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err()).contains("no such job");
  }
}
