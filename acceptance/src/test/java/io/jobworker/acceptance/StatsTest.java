package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What jobs use, as the command line shows it. */
@Timeout(600)
class StatsTest {
  private ServerProcess server;

  @BeforeEach
  void start() {
    server = ServerProcess.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void figuresGoOnWhenTheServerWasKilledAndCameBackAndEndWithTheJobs() throws Exception {
    String one = server.as("alice").start("sleep 1000");
    String two = server.as("alice").start("sleep 1000");
    Process stats = server.as("alice").spawn("stats", "-o", "json");
    try (BufferedReader lines =
            new BufferedReader(new InputStreamReader(stats.getInputStream(), UTF_8));
        BufferedReader said =
            new BufferedReader(new InputStreamReader(stats.getErrorStream(), UTF_8))) {
      assertThat(lines.readLine() + lines.readLine()).contains(one, two);
      server.kill();
      server.restart();
      assertThat(said.readLine()).contains("connection lost");
      server.as("alice").run("stop", one).succeeded();
      server.as("alice").run("stop", two).succeeded();
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
    Result refused = server.as("alice").run("stats", nobody);
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err()).contains("no such job");
  }
}
