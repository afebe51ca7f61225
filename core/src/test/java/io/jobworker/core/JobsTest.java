package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.units.ByteSize;
import io.jobworker.base.words.OsString;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.ReadResult;
import io.jobworker.core.output.StdStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The library against the real kernel. */
@Timeout(300)
class JobsTest {
  @TempDir Path directory;
  private Jobs jobs;
  private final List<JobId> started = new CopyOnWriteArrayList<>();

  @BeforeEach
  void open() {
    jobs = Jobs.open(config());
  }

  @AfterEach
  void endAllJobsAndClose() {
    started.forEach(id -> jobs.find(id).stop(StopRequest.withGrace(Duration.ZERO)));
    jobs.close();
    TestJobs.removeCgroups();
  }

  private JobsConfig config() {
    return config(directory.resolve("state"));
  }

  private static JobsConfig config(Path state) {
    return TestJobs.config(state);
  }

  private JobStatus start(String... command) {
    return start("alice", JobSpec.of(command));
  }

  private JobStatus start(String owner, JobSpec spec) {
    return start(owner, spec, new byte[0]);
  }

  private JobStatus start(String owner, JobSpec spec, byte[] stdin) {
    JobStatus job =
        jobs.start(new StartRequest(Requester.named(owner), Owner.of(owner), spec, stdin)).status();
    started.add(job.id());
    return job;
  }

  private JobStatus shell(String script) {
    return start("/bin/sh", "-c", script);
  }

  private JobStatus ended(JobStatus job) {
    return jobs.find(job.id())
        .whenEnded()
        .orTimeout(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS)
        .join();
  }

  /** Follows to the end. */
  private byte[] output(JobStatus job, Optional<StdStream> only) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (Cursor cursor = jobs.find(job.id()).output().cursor(0, only)) {
      for (; ; ) {
        switch (cursor.read(new byte[64 << 10])) {
          case ReadResult.Chunk chunk -> bytes.writeBytes(chunk.copy());
          case ReadResult.Dropped dropped -> throw new AssertionError("dropped " + dropped);
          case ReadResult.CaughtUp _ -> {
            CountDownLatch more = new CountDownLatch(1);
            cursor.await(more::countDown);
            assertThat(more.await(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
          }
          case ReadResult.End _ -> {
            return bytes.toByteArray();
          }
        }
      }
    }
  }

  private String text(JobStatus job) throws Exception {
    return new String(output(job, Optional.empty()), StandardCharsets.UTF_8);
  }

  /**
   * Whether the process executes; one that is dead and not yet reaped by its new parent does not.
   */
  private static boolean runs(int pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
    } catch (IOException e) {
      return false;
    }
  }

  @Nested
  class TheEndOfAJobIsToldTruly {
    @Test
    void exitCodeZeroIsExited() {
      JobStatus job = ended(start("true"));
      assertThat(job.state()).isEqualTo(JobState.EXITED);
      assertThat(job.end().orElseThrow().reason()).isEqualTo(EndReason.EXITED);
      assertThat(job.end().orElseThrow().exitCode()).hasValue(0);
    }

    @Test
    void anotherExitCodeIsFailed() {
      JobStatus job = ended(shell("exit 3"));
      assertThat(job.state()).isEqualTo(JobState.FAILED);
      assertThat(job.end().orElseThrow().exitCode()).hasValue(3);
    }

    @Test
    void exitCode137IsNotDeathBySigkill() {
      JobEnd exited = ended(shell("exit 137")).end().orElseThrow();
      JobEnd killed = ended(shell("kill -9 $$")).end().orElseThrow();
      assertThat(exited.reason()).isEqualTo(EndReason.EXITED);
      assertThat(exited.signal()).isEmpty();
      assertThat(killed.reason()).isEqualTo(EndReason.SIGNALED);
      assertThat(killed.signal()).hasValue(9);
      assertThat(killed.exitCode()).isEmpty();
    }

    @Test
    void aTimeOutIsATimeOut() {
      JobSpec spec =
          JobSpec.builder(List.of("sleep", "1000")).timeout(Duration.ofMillis(100)).build();
      JobStatus job = ended(start("alice", spec));
      assertThat(job.state()).isEqualTo(JobState.FAILED);
      assertThat(job.end().orElseThrow().reason()).isEqualTo(EndReason.TIMED_OUT);
    }

    @Test
    void theLaunchersDeathMakesTheJobLost() throws Exception {
      JobStatus job = start("sleep", "1000");
      int launcher = FileCalls.lockHolder(directory.resolve("state/jobs/" + job.id() + "/life"));
      new ProcessBuilder("kill", "-9", Integer.toString(launcher)).start().waitFor();
      JobStatus lost = ended(job);
      assertThat(lost.state()).isEqualTo(JobState.LOST);
      assertThat(runs(job.mainPid())).isFalse();
    }
  }

  @Nested
  class OutputIsComplete {
    @Test
    void everyByteOfBothStreamsArrives() throws Exception {
      JobStatus job = shell("printf 'out\\0\\377'; printf 'err' >&2");
      assertThat(output(job, Optional.of(StdStream.STDOUT)))
          .isEqualTo(new byte[] {'o', 'u', 't', 0, (byte) 0xff});
      assertThat(output(job, Optional.of(StdStream.STDERR)))
          .isEqualTo("err".getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void whenTheEndIsSeenTheOutputIsThere() throws Exception {
      for (int i = 0; i < 20; i++) {
        JobStatus job = ended(shell("head -c 300000 /dev/zero"));
        assertThat(job.outputBytes()).isEqualTo(300000);
        assertThat(output(job, Optional.empty())).hasSize(300000);
      }
    }

    @Test
    void moreThanThePipesHoldArrivesInOrder() throws Exception {
      JobStatus job = start("seq", "1", "1000000");
      byte[] bytes = output(job, Optional.empty());
      try (var lines = new String(bytes, StandardCharsets.US_ASCII).lines()) {
        long[] next = {1};
        lines.forEach(line -> assertThat(Long.parseLong(line)).isEqualTo(next[0]++));
        assertThat(next[0]).isEqualTo(1000001);
      }
    }

    @Test
    void mergedStreamsKeepTheirOrder() throws Exception {
      JobSpec spec =
          JobSpec.builder(List.of("sh", "-c", "for i in 1 2 3; do echo $i; echo -$i >&2; done"))
              .mergeOutput(true)
              .build();
      assertThat(text(start("alice", spec))).isEqualTo("1\n-1\n2\n-2\n3\n-3\n");
    }

    @Test
    void theRingKeepsTheNewestAndSaysWhatIsGone() throws Exception {
      JobSpec spec =
          JobSpec.builder(List.of("head", "-c", "5000000", "/dev/zero"))
              .outputRetain(ByteSize.parse("1M"))
              .build();
      JobStatus job = ended(start("alice", spec));
      assertThat(job.outputBytes()).isEqualTo(5000000);
      assertThat(job.outputDroppedBytes()).isBetween(5000000L - (1 << 20), 5000000L - (700 << 10));
      try (Cursor cursor = jobs.find(job.id()).output().cursor(0, Optional.empty())) {
        assertThat(cursor.read(new byte[1]))
            .isEqualTo(new ReadResult.Dropped(job.outputDroppedBytes(), job.outputDroppedBytes()));
      }
    }
  }

  @Nested
  class StopLeavesNothing {
    @Test
    void aTreeThatDoubleForksAndCallsSetsidDies() throws Exception {
      JobStatus job =
          shell("setsid sh -c 'sleep 1000 & sleep 1000' & (setsid sleep 1000 &); echo up; wait");
      try (Cursor cursor = jobs.find(job.id()).output().cursor(0, Optional.empty())) {
        CountDownLatch up = new CountDownLatch(1);
        cursor.await(up::countDown);
        up.await();
      }
      List<ProcessHandle> tree =
          ProcessHandle.of(job.mainPid()).orElseThrow().descendants().toList();
      JobStatus stopped = jobs.find(job.id()).stop(StopRequest.DEFAULT);
      assertThat(stopped.state()).isEqualTo(JobState.STOPPED);
      assertThat(stopped.end().orElseThrow().reason()).isEqualTo(EndReason.STOPPED);
      assertThat(tree).noneMatch(ProcessHandle::isAlive);
    }

    @Test
    void aGraceLetsTheJobSayGoodbye() throws Exception {
      JobStatus job = shell("trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.02; done");
      try (Cursor cursor = jobs.find(job.id()).output().cursor(0, Optional.empty())) {
        CountDownLatch up = new CountDownLatch(1);
        cursor.await(up::countDown);
        up.await();
      }
      JobStatus stopped = jobs.find(job.id()).stop(StopRequest.withGrace(Duration.ofSeconds(20)));
      assertThat(stopped.state()).isEqualTo(JobState.STOPPED);
      assertThat(stopped.end().orElseThrow().exitCode()).hasValue(4);
      assertThat(output(job, Optional.of(StdStream.STDOUT))).asString().isEqualTo("up\nbye\n");
    }

    @Test
    void stoppingAnEndedJobChangesNothing() {
      JobStatus job = ended(shell("exit 3"));
      assertThat(jobs.find(job.id()).stop(StopRequest.DEFAULT))
          .isEqualTo(jobs.find(job.id()).status());
      assertThat(jobs.find(job.id()).status().state()).isEqualTo(JobState.FAILED);
    }

    @Test
    void twoStopsAtOnceBothAnswerStopped() throws Exception {
      JobStatus job = start("sleep", "1000");
      try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
        var first = executor.submit(() -> jobs.find(job.id()).stop(StopRequest.DEFAULT));
        var second = executor.submit(() -> jobs.find(job.id()).stop(StopRequest.DEFAULT));
        assertThat(first.get().state()).isEqualTo(JobState.STOPPED);
        assertThat(second.get().state()).isEqualTo(JobState.STOPPED);
      }
    }
  }

  @Nested
  class AFailedStart {
    @Test
    void namesTheProgramAndLeavesNothing() {
      assertThatThrownBy(() -> start("/no/such/program"))
          .isInstanceOf(JobException.LaunchFailed.class)
          .hasMessage("cannot exec /no/such/program: No such file or directory (ENOENT)");
      await()
          .atMost(TestJobs.PATIENCE)
          .untilAsserted(() -> assertThat(directory.resolve("state/jobs")).isEmptyDirectory());
    }

    @Test
    void namesTheInterpreterThatIsMissing() throws Exception {
      Path script = Files.createTempFile(Path.of("/var/tmp"), "job-worker-", " é");
      try {
        Files.writeString(script, "#!/no/such/\u001b[31mé -x\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThatThrownBy(() -> start(script.toString()))
            .isInstanceOf(JobException.LaunchFailed.class)
            .hasMessage(
                "cannot exec " + script + ": its interpreter is missing: /no/such/\\x1b[31mé");
      } finally {
        Files.delete(script);
      }
    }

    @Test
    void namesAMissingWorkingDirectory() {
      JobSpec spec = JobSpec.builder(List.of("true")).workingDirectory("/no/such").build();
      assertThatThrownBy(() -> start("alice", spec))
          .hasMessage("cannot chdir /no/such: No such file or directory (ENOENT)");
    }

    @Test
    void namesTheFieldThatIsWrong() {
      assertThatThrownBy(() -> start("alice", JobSpec.of("")))
          .isInstanceOf(JobException.InvalidSpec.class)
          .hasMessageStartingWith("command: ");
      assertThatThrownBy(() ->
              start(
                  "alice", JobSpec.builder(List.of("true")).environment(Map.of("A=", "")).build()))
          .hasMessageStartingWith("environment: ");
    }
  }

  @Test
  void aJobReadsItsStdin() throws Exception {
    JobStatus job = start("alice", JobSpec.of("cat"), "hello".getBytes(StandardCharsets.UTF_8));
    assertThat(text(job)).isEqualTo("hello");
  }

  @Test
  void aJobSeesACleanEnvironmentWithItsOwnVariables() throws Exception {
    JobSpec spec = JobSpec.builder(List.of("env")).environment(Map.of("A", "b c")).build();
    JobStatus job = start("alice", spec);
    assertThat(text(job).lines().map(line -> line.split("=")[0]))
        .containsExactlyInAnyOrder(
            "PATH", "HOME", "SHELL", "USER", "LOGNAME", "LANG", "JOB_ID", "A");
  }

  @Test
  void aRepeatedRequestIdAnswersWithTheFirstJob() {
    JobSpec spec = JobSpec.builder(List.of("true")).requestId("r1").build();
    JobStatus first = start("alice", spec);
    assertThat(start("alice", spec).id()).isEqualTo(first.id());
    assertThat(start("bob", spec).id()).isNotEqualTo(first.id());
  }

  @Test
  void aRequestIdThatWasUsedForAnotherJobIsRefusedWithWhatDiffers() throws Exception {
    JobSpec.Builder first =
        JobSpec.builder(List.of("sh", "-c", "sleep 1000"))
            .requestId("r1")
            .environment(Map.of("A", OsString.of(new byte[] {(byte) 0xe9})))
            .labels(Map.of("k", "v"))
            .timeout(Duration.ofNanos(3_600_000_000_123L));
    JobStatus job = start("alice", first.build(), new byte[] {1});
    assertThat(start("alice", first.build(), new byte[] {1}).id()).isEqualTo(job.id());
    assertThatThrownBy(() -> start("alice", first.build(), new byte[] {2}))
        .isInstanceOf(JobException.RequestIdTaken.class)
        .hasMessageContaining(job.id() + ", which differs in stdin");
    JobSpec other =
        JobSpec.builder(List.of("sh", "-c", "sleep 1000")).requestId("r1").name("n").build();
    for (int life = 0; life < 2; life++) {
      assertThatThrownBy(() -> start("alice", other, new byte[] {1}))
          .isInstanceOf(JobException.RequestIdTaken.class)
          .hasMessageContaining("differs in environment, timeout, name, labels");
      jobs.close();
      jobs = Jobs.open(config());
      assertThat(start("alice", first.build(), new byte[] {1}).id()).isEqualTo(job.id());
    }
  }

  @Test
  void wordsReachTheProgramAndComeBackByteForByte() throws Exception {
    byte[] all = new byte[255];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) (i + 1);
    }
    String word = OsString.of(all);
    String name = OsString.of(new byte[] {'v', (byte) 0xe9});
    // Not below /tmp, of which an isolated job has its own.
    Path parent = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-test-");
    Path place = OsString.path(parent + "/na\u00efve " + name);
    Files.createDirectory(place);
    JobSpec spec =
        JobSpec.builder(
                List.of(
                    "sh",
                    "-c",
                    "printf '[%s]' \"$@\"; printenv v; cat in",
                    "",
                    "",
                    word,
                    "a\nb",
                    "a=b"))
            .environment(Map.of("v", word))
            .workingDirectory(OsString.of(place))
            .build();
    Files.writeString(place.resolve("in"), "here");
    JobStatus job = start("alice", spec);
    ByteArrayOutputStream expected = new ByteArrayOutputStream();
    expected.writeBytes("[][".getBytes(StandardCharsets.UTF_8));
    expected.writeBytes(all);
    expected.writeBytes("][a\nb][a=b]".getBytes(StandardCharsets.UTF_8));
    expected.writeBytes(all);
    expected.writeBytes("\nhere".getBytes(StandardCharsets.UTF_8));
    assertThat(output(job, Optional.empty())).isEqualTo(expected.toByteArray());
    assertThat(ended(job).spec()).isEqualTo(spec);
    JobSpec odd = JobSpec.builder(List.of("env")).environment(Map.of(name, word)).build();
    JobStatus oddJob = start("alice", odd); // directly, for a shell passes no such name on
    assertThat(new String(output(oddJob, Optional.empty()), StandardCharsets.ISO_8859_1))
        .contains("v\u00e9=" + new String(all, StandardCharsets.ISO_8859_1));
    ended(oddJob);
    jobs.close();
    jobs = Jobs.open(config());
    assertThat(jobs.find(job.id()).status().spec()).isEqualTo(spec);
    assertThat(jobs.find(oddJob.id()).status().spec()).isEqualTo(odd);
    Files.delete(place.resolve("in"));
    Files.delete(place);
    Files.delete(parent);
  }

  @Test
  void aWordThatTheKernelWouldNotTakeIsRefusedBeforehand() throws Exception {
    String large = "x".repeat((128 << 10) - 1);
    JobStatus job = start("sh", "-c", "printf %s $#", "", large, large);
    assertThat(text(job)).isEqualTo("2");
    for (List<String> command :
        List.of(
            List.of("true", large + "x"),
            List.of("true", large, large, large, large, large, large, large, large),
            Collections.nCopies(110_000, "x"))) {
      assertThatThrownBy(() -> start("alice", JobSpec.builder(command).build()))
          .isInstanceOf(JobException.InvalidSpec.class)
          .hasMessageContaining("the kernel")
          .hasMessageContaining("as stdin");
    }
    List<String> most = new ArrayList<>(List.of("sh", "-c", "printf %s $#", ""));
    most.addAll(Collections.nCopies(104_000, "x"));
    assertThat(text(start("alice", JobSpec.builder(most).build()))).isEqualTo("104000");
  }

  @Test
  void aSignalAloneIsSentAndNoMore() throws Exception {
    JobStatus job =
        shell(
            "trap 'echo caught' HUP; sh -c 'echo ready; exec sleep 1000' & wait; wait; echo on; exit 3");
    await().atMost(TestJobs.PATIENCE).until(() -> text(job, 5).equals("ready"));
    assertThat(jobs.find(job.id()).signal(Signal.HUP).state()).isEqualTo(JobState.RUNNING);
    JobStatus end = ended(job);
    assertThat(text(job)).isEqualTo("ready\ncaught\non\n");
    assertThat(end.state()).isEqualTo(JobState.FAILED);
    assertThat(end.end().orElseThrow().reason()).isEqualTo(EndReason.EXITED);
    assertThatThrownBy(() -> jobs.find(job.id()).signal(Signal.HUP))
        .isInstanceOf(JobException.WrongState.class);
  }

  private String text(JobStatus job, int bytes) throws IOException {
    String newest = jobs.find(job.id()).output().newest(4096);
    return newest.substring(0, Math.min(bytes, newest.length()));
  }

  @Test
  void startsAtOnceWithTheSameRequestIdRunTheProgramOnce() throws Exception {
    Path runs = Files.createDirectory(directory.resolve("runs"));
    JobSpec spec =
        JobSpec.builder(List.of("sh", "-c", "echo run"))
            .requestId("r1")
            .name(runs.toString())
            .build();
    List<Future<JobStatus>> started = new ArrayList<>();
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 8; i++) {
        started.add(executor.submit(() -> start("alice", spec)));
      }
    }
    Set<JobId> ids = new HashSet<>();
    for (Future<JobStatus> job : started) {
      ids.add(job.get().id());
    }
    assertThat(ids).hasSize(1);
    try (var directories = Files.list(directory.resolve("state/jobs"))) {
      assertThat(directories).hasSize(1);
    }
  }

  @Test
  void jobsAreListedFromTheNewestOnPageByPage() {
    List<JobId> expected = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      JobSpec spec =
          JobSpec.builder(List.of("true")).labels(Map.of("odd", i % 2 == 1 ? "yes" : "no")).build();
      expected.addFirst(start("alice", spec).id());
    }
    start("bob", JobSpec.of("true"));
    List<JobId> found = new ArrayList<>();
    Optional<JobQuery.Position> after = Optional.empty();
    do {
      JobPage page = jobs.list(new JobQuery(Optional.of("alice"), JobFilter.ALL, after, 3));
      page.jobs().forEach(job -> found.add(job.status().id()));
      after = page.next().map(next -> JobQuery.Position.parse(next.toString()).orElseThrow());
    } while (after.isPresent());
    assertThat(found).isEqualTo(expected);
    JobQuery odd =
        new JobQuery(
            Optional.empty(), JobFilter.ALL.withLabels(Map.of("odd", "yes")), Optional.empty(), 9);
    assertThat(jobs.list(odd).jobs()).hasSize(3);
  }

  @Test
  void aMissingJobIsMissing() {
    JobId id = JobId.random();
    assertThatThrownBy(() -> jobs.find(id).status()).isInstanceOf(JobException.NoSuchJob.class);
    assertThatThrownBy(() -> jobs.find(id).stop(StopRequest.DEFAULT))
        .isInstanceOf(JobException.NoSuchJob.class);
    assertThatThrownBy(() -> jobs.find(id).output()).isInstanceOf(JobException.NoSuchJob.class);
  }

  @Nested
  class ARestart {
    private void restart() {
      jobs.close();
      open();
    }

    @Test
    void findsEndedJobsWithTheirOutput() throws Exception {
      JobStatus job = ended(shell("echo hello; exit 3"));
      restart();
      assertThat(jobs.find(job.id()).status()).isEqualTo(job);
      assertThat(text(job)).isEqualTo("hello\n");
    }

    @Test
    void takesUpRunningJobsWithoutLosingAByte() throws Exception {
      JobStatus job =
          shell(
              "for i in $(seq 3000); do echo $i; done; until [ -p go ]; do sleep 0.01; done; read x < go; seq 3001 6000");
      Path go = directory.resolve("state/jobs/" + job.id() + "/work/go");
      new ProcessBuilder("mkfifo", go.toString()).start().waitFor();
      restart();
      assertThat(jobs.find(job.id()).status().state()).isEqualTo(JobState.RUNNING);
      Files.writeString(go, "\n");
      assertThat(ended(job).end().orElseThrow().exitCode()).hasValue(0);
      StringBuilder expected = new StringBuilder();
      for (int i = 1; i <= 6000; i++) {
        expected.append(i).append('\n');
      }
      assertThat(text(job)).isEqualTo(expected.toString());
    }

    @Test
    void seesTheEndOfAJobThatEndedMeanwhile() throws Exception {
      JobStatus job = shell("trap 'echo bye; exit 9' TERM; echo up; while :; do sleep 0.02; done");
      await().atMost(TestJobs.PATIENCE).until(() -> text(job, 3).equals("up\n"));
      jobs.close();
      new ProcessBuilder("kill", Integer.toString(job.mainPid())).start().waitFor();
      await().atMost(TestJobs.PATIENCE).until(() -> !runs(job.mainPid()));
      open();
      assertThat(ended(job).end().orElseThrow().exitCode()).hasValue(9);
      assertThat(output(job, Optional.of(StdStream.STDOUT))).asString().isEqualTo("up\nbye\n");
    }

    @Test
    void leavesTheJobsOfAnotherServerAlone() {
      JobStatus job = start("sleep", "1000");
      JobsConfig other = JobsTest.config(directory.resolve("other"));
      Jobs.open(other).close();
      assertThat(jobs.find(job.id()).status().state()).isEqualTo(JobState.RUNNING);
      assertThat(runs(job.mainPid())).isTrue();
    }

    @Test
    void inTheMiddleOfManyEndsLosesNoneOfThemAndLeavesNoLauncher() throws Exception {
      List<JobStatus> many = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        many.add(shell("head -c 100000 /dev/zero; exit 7"));
      }
      restart();
      jobs.recovered().join();
      for (JobStatus job : many) {
        assertThat(ended(job).end().orElseThrow().exitCode()).hasValue(7);
        assertThat(output(job, Optional.empty())).hasSize(100000);
        Path own = directory.resolve("state/jobs/" + job.id());
        await()
            .atMost(TestJobs.PATIENCE)
            .until(() ->
                Files.notExists(own.resolve("life")) && Files.notExists(own.resolve("stdout")));
      }
      await()
          .atMost(TestJobs.PATIENCE)
          .until(() -> ProcessHandle.current().children().findAny().isEmpty());
    }

    @Test
    void thatFailsHalfWayLeavesNothingBehind() throws Exception {
      Path other = directory.resolve("other");
      Files.createDirectories(other);
      Files.writeString(other.resolve("jobs.db"), "no database");
      Set<String> before = threads();
      assertThatThrownBy(() -> Jobs.open(config(other)))
          .isInstanceOf(JobException.StateRefused.class)
          .hasMessageContaining("jobs.db");
      Files.delete(other.resolve("jobs.db"));
      Files.createFile(other.resolve("trash")); // where a directory must be
      assertThatThrownBy(() -> Jobs.open(config(other)))
          .isInstanceOf(JobException.Unavailable.class)
          .hasMessageContaining("trash");
      // Those of a library of another test may be at their end.
      await().atMost(TestJobs.PATIENCE).until(() -> before.containsAll(threads()));
      Files.delete(other.resolve("trash"));
      Jobs.open(config(other)).close(); // nobody holds its lock
    }

    private static Set<String> threads() {
      return Thread.getAllStackTraces().keySet().stream()
          .filter(thread -> List.of("control", "trash-0", "trash-1").contains(thread.getName()))
          .map(Thread::toString)
          .collect(Collectors.toSet());
    }

    @Test
    void isRefusedWhileAnotherHoldsTheDirectory() {
      assertThatThrownBy(() -> Jobs.open(config()))
          .isInstanceOf(JobException.Unavailable.class)
          .hasMessageContaining("is in use by another");
    }
  }
}
