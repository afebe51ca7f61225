package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Limits.IoLimit;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.ReadResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Limits by what they do, on a kernel with all four controllers, with tools that nobody here wrote.
 */
@Timeout(300)
@Tag("kernel")
class LimitsTest {
  /** A directory on an ext4 file system on a disk, where there is one for tests. */
  private static final Path DISK = Path.of(System.getProperty("test.disk", "/no/disk"));

  private static final Pattern DD = Pattern.compile("(\\d+) bytes .* copied, ([0-9.]+) s");

  @TempDir Path directory;
  private TestJobs jobs;

  @BeforeEach
  void open() {
    jobs = new TestJobs(directory.resolve("state"));
    assumeTrue(
        jobs.jobs().controllers().containsAll(List.of("cpu", "io", "memory", "pids")),
        "needs the controllers cpu, io, memory and pids");
  }

  @AfterEach
  void close() {
    jobs.close();
  }

  private JobStatus run(String script, Limits limits) {
    JobStatus job = jobs.ended(jobs.shell(script, limits));
    awaitSlotGone(job);
    return job;
  }

  private void awaitSlotGone(JobStatus job) {
    await().atMost(TestJobs.PATIENCE).until(() -> Files.notExists(jobs.slot(job)));
  }

  private void awaitNothingLeft() {
    await()
        .atMost(TestJobs.PATIENCE)
        .untilAsserted(() -> assertThat(directory.resolve("state/jobs")).isEmptyDirectory());
  }

  @Nested
  class Cpu {
    private static final double TOLERANCE = 0.05;
    private static final Duration SHORT = Duration.ofSeconds(5);

    /**
     * No more than the quota by the clock; and no less, in the time in which the job ran or was
     * kept from it by its quota. What else runs on the machine takes from the one and not the
     * other.
     */
    private void assertShareIsTheQuota(int millis) {
      JobStatus job =
          run(
              "exec stress-ng --quiet --cpu 1 --cpu-method int64 --timeout 6s",
              Limits.NONE.with(Limit.CPU_MILLIS, millis));
      Duration wall = Duration.between(job.createdAt(), job.end().orElseThrow().at());
      Usage usage = job.end().orElseThrow().usage();
      assertThat(wall).isGreaterThan(Duration.ofSeconds(5));
      assertThat(usage.throttled()).isPositive();
      double cpu = usage.cpu().toNanos();
      double quota = millis / 1000.0;
      assertThat(cpu / wall.toNanos()).isLessThan(quota * (1 + TOLERANCE));
      assertThat(cpu / (cpu + usage.throttled().toNanos())).isGreaterThan(quota * (1 - TOLERANCE));
    }

    @Test
    void timeOverWallTimeIsTheQuota() {
      assertShareIsTheQuota(500);
      assertShareIsTheQuota(250);
    }

    /**
     * To set its stage takes milliseconds of CPU, which would be as many seconds of this quota. The
     * program's execve has to be on it, and takes longer on a busy machine: the quickest counts.
     */
    @Test
    void theLaunchIsNotOnTheQuotaAndTheProgramIs() throws IOException {
      Duration quickest = Duration.ofDays(1);
      for (int tries = 0; tries < 5 && quickest.compareTo(SHORT) > 0; tries++) {
        long begin = System.nanoTime();
        JobStatus job = jobs.shell("while :; do :; done", Limits.NONE.with(Limit.CPU_MILLIS, 1));
        Duration took = Duration.ofNanos(System.nanoTime() - begin);
        quickest = took.compareTo(quickest) < 0 ? took : quickest;
        assertThat(jobs.cgroup(job).resolve("cpu.max")).hasContent("1000 1000000");
      }
      assertThat(quickest).isLessThan(SHORT);
    }

    @Test
    void theFilesHoldWhatWasAskedFor() throws IOException {
      JobStatus job =
          jobs.shell(
              "sleep 1000", Limits.NONE.with(Limit.CPU_MILLIS, 1500).with(Limit.CPU_WEIGHT, 50));
      Path cgroup = jobs.cgroup(job);
      assertThat(cgroup.resolve("cpu.max")).hasContent("150000 100000");
      assertThat(jobs.slot(job).resolve("cpu.weight")).hasContent("50");
      assertThat(Files.readString(cgroup.resolve("memory.oom.group"))).isEqualTo("1\n");
    }
  }

  @Nested
  class Memory {
    private final Limits limit = Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(100));

    @Test
    void anAllocationBeyondTheLimitIsAnOomKill() {
      JobStatus job = run("exec dd if=/dev/zero of=/dev/null bs=115M count=1", limit);
      JobEnd end = job.end().orElseThrow();
      assertThat(job.state()).isEqualTo(JobState.FAILED);
      assertThat(end.reason()).isEqualTo(EndReason.OOM_KILLED);
      assertThat(end.signal()).hasValue(9);
      assertThat(end.usage().oomKills()).isPositive();
    }

    /** It takes a quarter of what its cgroup has. */
    @Test
    void aJvmSizesItselfByTheLimit() {
      String java = System.getProperty("java.home") + "/bin/java";
      JobStatus job =
          run(
              java + " -XX:UseAVX=2 -XX:+PrintFlagsFinal -version | grep -w MaxHeapSize",
              Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(512)));
      assertThat(jobs.output(job)).contains(" " + (128 << 20) + " ");
    }

    @Test
    void ninetyPercentOfTheLimitCanBeUsed() {
      JobStatus job = run("exec dd if=/dev/zero of=/dev/null bs=90M count=1", limit);
      assertThat(job.state()).isEqualTo(JobState.EXITED);
      assertThat(job.end().orElseThrow().usage().memoryPeakBytes())
          .isBetween(90L << 20, 100L << 20);
    }

    @Test
    void theWholeJobDiesAndNotOnlyTheGreedyOne() {
      JobStatus job =
          run("dd if=/dev/zero of=/dev/null bs=115M count=1 & wait; echo lived on", limit);
      assertThat(job.end().orElseThrow().reason()).isEqualTo(EndReason.OOM_KILLED);
      assertThat(jobs.output(job)).doesNotContain("lived on");
    }

    @Test
    void aKillByTheJobItselfIsNoOomKill() {
      JobStatus job = run("kill -9 $$", limit);
      assertThat(job.end().orElseThrow().reason()).isEqualTo(EndReason.SIGNALED);
    }

    /**
     * Its output is not its memory: the launcher's cache of what it writes is charged elsewhere.
     */
    @Test
    void aJobWithLittleMemoryPrintsAGigabyteLikeAnyOther() throws IOException {
      timeOfAGigabyte(Limits.NONE); // whoever is first waits for what is there afterwards
      Duration limited = timeOfAGigabyte(Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(8)));
      Duration free = timeOfAGigabyte(Limits.NONE);
      System.out.printf(
          "a gigabyte printed with memory.max 8 MiB in %d ms, without in %d ms: ratio %.2f%n",
          limited.toMillis(), free.toMillis(), (double) limited.toMillis() / free.toMillis());
    }

    private Duration timeOfAGigabyte(Limits limits) throws IOException {
      JobStatus job = run("exec dd if=/dev/zero bs=64k count=16384 2>/dev/null", limits);
      JobEnd end = job.end().orElseThrow();
      assertThat(end.reason()).as(end.detail()).isEqualTo(EndReason.EXITED);
      assertThat(end.exitCode()).hasValue(0);
      assertThat(end.usage().oomKills()).isZero();
      assertThat(job.outputBytes()).isEqualTo(1L << 30);
      assertThat(readToTheEnd(job)).isEqualTo(job.outputBytes());
      return Duration.between(job.createdAt(), end.at());
    }

    /** How many bytes a reader is given, or told that they are gone. */
    private long readToTheEnd(JobStatus job) throws IOException {
      long bytes = 0;
      try (Cursor cursor = jobs.jobs().find(job.id()).output().cursor(0, Optional.empty())) {
        byte[] buffer = new byte[1 << 20];
        while (true) {
          switch (cursor.read(buffer)) {
            case ReadResult.Chunk chunk -> bytes += chunk.bytes().remaining();
            case ReadResult.Dropped dropped -> bytes += dropped.bytes();
            case ReadResult.CaughtUp _ -> throw new AssertionError("no end at " + bytes);
            case ReadResult.End _ -> {
              return bytes;
            }
          }
        }
      }
    }

    @Test
    void theFilesHoldWhatWasAskedFor() {
      JobStatus job =
          jobs.shell(
              "sleep 1000",
              Limits.NONE
                  .with(Limit.MEMORY, ByteSize.of(100_000_000))
                  .with(Limit.MEMORY_HIGH, ByteSize.ofMebibytes(64)));
      Path cgroup = jobs.cgroup(job);
      assertThat(cgroup.resolve("memory.max")).hasContent("99999744"); // whole pages
      assertThat(cgroup.resolve("memory.high")).hasContent("67108864");
    }
  }

  @Nested
  class Pids {
    @Test
    void forkFailsAtTheLimit() {
      JobStatus job =
          run(
              "i=1; while sleep 1000 & do i=$((i+1)); echo $i; done",
              Limits.NONE.with(Limit.PIDS, 20));
      assertThat(jobs.output(job)).contains("\n20\n").doesNotContain("\n21\n");
    }

    @Test
    void aForkBombIsStopped() throws Exception {
      for (Limits limits : List.of(Limits.NONE.with(Limit.PIDS, 64), Limits.NONE)) {
        JobStatus job = jobs.shell("echo up; f() { f | f & }; f; sleep 1000", limits);
        jobs.awaitOutput(job, "up\n");
        JobStatus stopped = jobs.jobs().find(job.id()).stop(StopRequest.DEFAULT);
        assertThat(jobs.ended(stopped).state()).isEqualTo(JobState.STOPPED);
        awaitSlotGone(job);
      }
    }
  }

  @Nested
  class Io {
    private void assumeDisk() {
      assumeTrue(Files.isDirectory(DISK), "needs a disk for tests");
    }

    /**
     * What dd's own clock says, in bytes or blocks a second. It is the limit that is not passed; a
     * host that is busy may give less.
     */
    private double rate(String dd, IoLimit limit, double divisor) {
      assumeDisk();
      JobStatus job = run("exec 2>&1; exec " + dd, Limits.NONE.with(limit));
      Matcher matcher = DD.matcher(jobs.output(job));
      assertThat(matcher.find()).as(jobs.output(job)).isTrue();
      return Long.parseLong(matcher.group(1)) / Double.parseDouble(matcher.group(2)) / divisor;
    }

    @Test
    void bytesWrittenPerSecondAreTheLimit() {
      String dd = "dd if=/dev/zero of=" + DISK + "/file bs=64k count=640 oflag=direct";
      assertThat(rate(dd, new IoLimit(DISK.toString(), 0, 10 << 20, 0, 0), 1 << 20))
          .isBetween(5.0, 11.0);
    }

    @Test
    void theStricterOfTwoLimitsForOneDiskHolds() throws IOException {
      assumeDisk();
      Limits limits =
          Limits.NONE
              .with(new IoLimit(DISK.toString(), 0, 1 << 20, 0, 0))
              .with(new IoLimit(DISK.toString(), 2 << 20, 3 << 20, 0, 0));
      JobStatus job = jobs.shell("sleep 1000", limits);
      assertThat(Files.readString(jobs.slot(job).resolve("io.max")))
          .contains("rbps=2097152 wbps=1048576 riops=max wiops=max");
    }

    @Test
    void bytesReadPerSecondAreTheLimit() throws Exception {
      assumeDisk();
      Path file = DISK.resolve("to-read");
      Files.write(file, new byte[40 << 20]);
      new ProcessBuilder("sync").start().waitFor();
      String dd = "dd if=" + file + " of=/dev/null bs=64k iflag=direct";
      assertThat(rate(dd, new IoLimit(DISK.toString(), 10 << 20, 0, 0, 0), 1 << 20))
          .isBetween(5.0, 11.0);
    }

    @Test
    void operationsPerSecondAreTheLimit() {
      String dd = "dd if=/dev/zero of=" + DISK + "/file bs=4k count=500 oflag=direct";
      assertThat(rate(dd, new IoLimit(DISK.toString(), 0, 0, 0, 100), 4096)).isBetween(50.0, 110.0);
    }

    @Test
    void aPathWithoutADiskFailsTheStartAndLeavesNothing() {
      Limits limits = Limits.NONE.with(new IoLimit("/proc", 1 << 20, 0, 0, 0));
      assertThatThrownBy(() -> jobs.shell("true", limits))
          .isInstanceOf(JobException.CannotEnforce.class)
          .hasMessageContaining("no disk stands behind /proc");
      awaitNothingLeft();
    }
  }

  @Test
  void aDefaultHoldsForAJobThatDoesNotSay() throws Exception {
    jobs.close();
    Limits limits = Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(32));
    jobs =
        new TestJobs(
            TestJobs.config(
                directory.resolve("state"),
                new JobsConfig.Defaults(limits, JobsConfig.Unenforceable.SKIP)));
    JobStatus job = jobs.ended(jobs.shell("head -c 100M /dev/zero | tail", Limits.NONE));
    assertThat(job.end().orElseThrow().reason()).isEqualTo(EndReason.OOM_KILLED);
    assertThat(job.spec().limits()).isEqualTo(limits);
  }

  /**
   * What the launcher writes for a job is the job's to pay for, and nothing else of the launcher
   * is.
   */
  @Nested
  class Output {
    private static final long MIB = 1 << 20;

    /** A library whose state is on the disk, so that output is I/O. */
    private JobStatus onDisk(String script, Limits limits) throws IOException {
      assumeTrue(Files.isDirectory(DISK), "needs a disk for tests");
      jobs.close();
      jobs = new TestJobs(Files.createTempDirectory(DISK, "state"));
      return jobs.shell(script, limits);
    }

    private static Limits writing(long bytesPerSecond) {
      return Limits.NONE.with(new IoLimit(DISK.toString(), 0, bytesPerSecond, 0, 0));
    }

    @Test
    void isWrittenToTheDiskAtTheJobsOwnLimit() throws Exception {
      JobStatus job = onDisk("head -c 8M /dev/zero; echo up; exec sleep 1000", writing(2 * MIB));
      jobs.awaitEnd(job, 8 * MIB + 3);
      long start = System.nanoTime();
      new ProcessBuilder("sync", "-f", DISK.toString()).start().waitFor();
      double seconds = (System.nanoTime() - start) / 1e9;
      assertThat(jobs.jobs().find(job.id()).usage().writtenBytes()).isGreaterThan(7 * MIB);
      assertThat(8 / seconds).as("MiB a second").isLessThan(2.6);
    }

    @Test
    void ofAJobThatMayWriteLittleDelaysNeitherItsStopNorItsEnd() throws Exception {
      JobStatus job = onDisk("exec yes", writing(MIB));
      jobs.awaitEnd(job, 200 * MIB); // the ring is full of what the disk has yet to take
      JobStatus stopped = jobs.jobs().find(job.id()).stop(StopRequest.DEFAULT);
      assertThat(stopped.state()).isEqualTo(JobState.STOPPED);
      assertThat(stopped.end().orElseThrow().detail()).isEmpty();
    }

    @Test
    void isNoneOfTheJobsMemory() throws Exception {
      Limits little = Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(8));
      JobStatus job = onDisk("exec head -c 256M /dev/zero", little);
      JobEnd end = jobs.ended(job).end().orElseThrow();
      assertThat(end.reason()).isEqualTo(EndReason.EXITED);
      assertThat(end.usage().oomKills()).isZero();
      assertThat(end.usage().memoryPeakBytes()).isLessThanOrEqualTo(8 * MIB);
      assertThat(jobs.jobs().find(job.id()).status().outputBytes()).isEqualTo(256 * MIB);
    }

    @Test
    void isWrittenHoweverLittleCpuTheJobHas() throws Exception {
      Limits little = Limits.NONE.with(Limit.CPU_MILLIS, 10);
      JobStatus job = onDisk("echo up; exec sleep 1000", little);
      jobs.awaitOutput(job, "up\n");
      assertThat(jobs.slot(job).resolve("monitor/cpu.max")).hasContent("100000 100000");
      assertThat(jobs.jobs().find(job.id()).stop(StopRequest.DEFAULT).state())
          .isEqualTo(JobState.STOPPED);
    }
  }

  @Test
  void limitsHoldFromTheFirstInstruction() throws Exception {
    JobStatus job =
        jobs.shell(
            "for i in $(seq 50); do sleep 1000 & done; echo up; wait",
            Limits.NONE.with(Limit.PIDS, 100));
    jobs.awaitOutput(job, "up\n");
    List<String> members = Files.readAllLines(jobs.cgroup(job).resolve("cgroup.procs"));
    assertThat(members)
        .hasSize(52)
        .contains(Integer.toString(job.mainPid())); // sh, init, 50 sleeps
    assertThat(jobs.jobs().find(job.id()).usage().pids()).isEqualTo(52);
  }

  @Test
  void theLimitsAreThoseOfTheSpecOfTheStatus() {
    Limits limits = Limits.NONE.with(Limit.CPU_MILLIS, 500).with(Limit.PIDS, 7);
    JobStatus job = jobs.shell("sleep 1000", limits);
    assertThat(jobs.jobs().find(job.id()).status().spec().limits()).isEqualTo(limits);
  }

  @Test
  void aLimitThatTheKernelRefusesFailsTheStartAndLeavesNothing() {
    Limits limits = Limits.NONE.with(new IoLimit("/no/such/path", 1, 0, 0, 0));
    assertThatThrownBy(() -> jobs.shell("true", limits)).isInstanceOf(JobException.class);
    awaitNothingLeft();
  }

  @Test
  void aStopAndAnExitAtOnceEndWithTheCgroupGone() {
    for (int i = 0; i < 20; i++) {
      JobStatus job = jobs.shell("exit 0", Limits.NONE.with(Limit.PIDS, 10));
      jobs.jobs().find(job.id()).stop(StopRequest.DEFAULT);
      JobStatus ended = jobs.ended(job);
      assertThat(ended.state()).isIn(JobState.EXITED, JobState.STOPPED);
      awaitSlotGone(job);
    }
  }

  @Test
  void theJobRunsAsItsUserWithItsLimits() {
    JobSpec spec =
        JobSpec.builder(List.of("sh", "-c", "id -u; touch mine && echo wrote"))
            .limits(Limits.NONE.with(Limit.MEMORY, ByteSize.ofMebibytes(64)))
            .build();
    JobStatus job = jobs.start(spec, Optional.of(new RunAs(700_003, 700_003)));
    assertThat(jobs.output(job)).isEqualTo("700003\nwrote\n");
  }
}
