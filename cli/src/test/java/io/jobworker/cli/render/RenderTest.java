package io.jobworker.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import com.google.protobuf.Timestamp;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.Limits;
import io.jobworker.api.v1.Reason;
import io.jobworker.cli.render.StatsTable.Figures;
import io.jobworker.cli.render.StatsTable.Order;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What people and programs get to read of jobs. */
class RenderTest {
  private static final Screen PLAIN = new Screen(false, false);
  private static final String ID = "813c08e2-9925-4137-b5df-d50d90ca7bf9";

  private static Timestamp at(long seconds) {
    return Timestamp.newBuilder().setSeconds(seconds).build();
  }

  private static JobStatusResponse.Builder job() {
    return JobStatusResponse.newBuilder()
        .setId(ID)
        .setStatus("running")
        .setOwner("alice")
        .setPid(4711)
        .setCreatedAt(at(1_000_000))
        .setSpec(
            JobSpec.newBuilder()
                .setName("nightly")
                .addCommand("/bin/sh")
                .addCommand("-c")
                .addCommand("make all")
                .setWorkingDir("/srv/build")
                .putEnv("A", "1")
                .putEnv("B", "2")
                .setTimeout(Duration.newBuilder().setSeconds(3600))
                .setLimits(
                    Limits.newBuilder().setCpuMillis(1500).setMemoryBytes(256L << 20).setPids(64)));
  }

  private static JobStats.Builder usage(long time, long cpuUsec) {
    return JobStats.newBuilder()
        .setTime(at(time))
        .setCpuUsec(cpuUsec)
        .setMemoryBytes(112L << 20)
        .setMemoryPeakBytes(201L << 20)
        .setPids(12)
        .setIoReadBytes(40L << 20)
        .setIoWriteBytes(1200L << 20);
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "999, 999",
    "1000, 1K",
    "1024, 1K",
    "1258291, 1.2M",
    "117440512, 112M",
    "-1, 16E",
  })
  void sizesAreShort(long bytes, String shown) {
    assertThat(Amounts.size(bytes)).isEqualTo(shown);
  }

  @ParameterizedTest
  @CsvSource({"0, 0s", "1200, 1.2s", "192000, 3m12s", "3600000, 1h", "5410000, 1h30m"})
  void timesHaveTwoUnits(long millis, String shown) {
    assertThat(Amounts.duration(java.time.Duration.ofMillis(millis))).isEqualTo(shown);
  }

  @Test
  void whatOthersHaveWrittenMovesNoCursorAndTurnsNothingAround() {
    assertThat(Printable.line("a\033[2Jb\nc\u202Ed\u0085é日本"))
        .isEqualTo("a\\x1b[2Jb\\nc\\u202ed\\u0085é日本");
    assertThat(Printable.command(List.of("ls", "my dir", "it's", "a\nb\\c", "")))
        .isEqualTo("ls 'my dir' 'it'\\''s' $'a\\nb\\\\c' ''");
  }

  @Test
  void aStatusSaysAllThatIsKnown() {
    JobStatusResponse job =
        job()
            .setUsage(usage(1_000_192, 178_560_000))
            .setOutputTotalBytes(19_083_034)
            .setOutputDroppedBytes(2_202_010)
            .build();
    assertThat(
            StatusText.of(
                job,
                PLAIN,
                OptionalInt.empty(),
                Instant.ofEpochSecond(1_000_192),
                ZoneId.of("Europe/Berlin")))
        .isEqualTo(
            """
            813c08e2-9925-4137-b5df-d50d90ca7bf9  nightly
            running for 3m12s, since 1970-01-12 14:46:40 +01:00, by alice
            command   /bin/sh -c 'make all'     in /srv/build, 2 variables
            limits    1.5 CPUs, 256M memory, 64 processes, time limit 1h
            usage     0.93 CPUs, 112M (peak 201M), 12 processes, read 40M, written 1.2G
            output    18.2M, the first 2.1M of it no longer kept; job-worker logs 813c08e2
            pid       4711\
            """);
  }

  @Test
  void whatWasNotMeasuredIsNoZero() {
    JobStatusResponse job =
        job()
            .setUsage(JobStats.newBuilder().setTime(at(1_000_001)))
            .addUnmeasured("cpu_usec")
            .addUnmeasured("memory_bytes")
            .addUnmeasured("memory_peak_bytes")
            .addUnmeasured("io_read_bytes")
            .addUnmeasured("io_write_bytes")
            .addUnmeasured("pids")
            .build();
    assertThat(StatusText.of(job, PLAIN, OptionalInt.empty(), Instant.EPOCH, ZoneId.of("UTC")))
        .contains("usage     not measured on this host");
    assertThat(
            StatsTable.lines(
                List.of(new Figures(job, Optional.of(job))), Order.CPU, PLAIN, OptionalInt.empty()))
        .last()
        .asString()
        .matches("813c08e2 +nightly +running +- +- +- +- +- +-");
  }

  @ParameterizedTest
  @ValueSource(ints = {60, 80, 200})
  void usageFitsAnyWidth(int room) {
    JobStatusResponse before = job().setUsage(usage(1_000_000, 0)).build();
    JobStatusResponse now =
        job().setUsage(usage(1_000_002, 1_860_000)).setOutputTotalBytes(80 << 10).build();
    List<String> lines =
        StatsTable.lines(
            List.of(new Figures(now, Optional.of(before))), Order.AGE, PLAIN, OptionalInt.of(room));
    assertThat(lines).allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(room));
    assertThat(lines.get(1)).contains("nightly").contains("93%").contains("112M / 256M 44%");
    if (room == 200) {
      assertThat(lines.get(1)).contains("12/64").endsWith("40K");
    }
  }

  @Test
  void howAJobEndedIsSaidInAFewWords() {
    assertThat(
            Statuses.of(
                job().setStatus("exited").setReason(Reason.REASON_EXITED).setExitCode(0).build()))
        .isEqualTo("exited 0");
    assertThat(
            Statuses.of(
                job().setStatus("failed").setReason(Reason.REASON_EXITED).setExitCode(3).build()))
        .isEqualTo("failed: exit code 3");
    assertThat(
            Statuses.of(
                job().setStatus("failed").setReason(Reason.REASON_SIGNALED).setSignal(11).build()))
        .isEqualTo("failed: SIGSEGV");
    assertThat(Statuses.of(job().setStatus("failed").setReason(Reason.REASON_OOM_KILLED).build()))
        .isEqualTo("failed: out of memory (256M)");
    assertThat(
            Statuses.of(
                job()
                    .setStatus("lost")
                    .setReason(Reason.REASON_LOST)
                    .setDetail("the host was restarted")
                    .build()))
        .isEqualTo("lost: the host was restarted");
  }

  @Test
  void jsonHasEveryFieldAndNoEscapesForHtml() throws Exception {
    JobStatusResponse job =
        JobStatusResponse.newBuilder()
            .setId(ID)
            .setSpec(JobSpec.newBuilder().addCommand("a=b<c>&'\\u003d\\").putEnv("K=", "\n\u2028"))
            .build();
    String json = Json.line(job);
    assertThat(json)
        .contains("\"status\":\"\"", "\"pid\":0", "\"outputBytes\":\"0\"", "\"reason\":")
        .contains("\"a=b<c>&'\\\\u003d\\\\\"")
        .contains("\"K=\":\"\\n\\u2028\"")
        .doesNotContain("\n");
  }
}
