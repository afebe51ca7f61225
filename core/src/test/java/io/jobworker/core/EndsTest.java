package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.StopRequest;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The table of {@code docs/job-ends.md}: whatever can end a job, in every order of two, with the
 * launcher as it is and one that hears of both at once.
 */
@Timeout(240)
@Execution(ExecutionMode.CONCURRENT) // much of it is waiting
class EndsTest {
  /** What can happen to a job. */
  enum Event {
    /** Its main process exits by itself. */
    EXIT(EndReason.EXITED),
    /** It is stopped without a grace. */
    STOP(EndReason.STOPPED),
    /** It is stopped with a grace, of which it takes all unless something else ends it. */
    GRACE(EndReason.STOPPED),
    /** Its time is over. */
    TIME_OUT(EndReason.TIMED_OUT),
    /** Its launcher is killed. */
    LAUNCHER_DEATH(EndReason.LOST),
    /** The server goes, and another takes the job up; that ends nothing. */
    RESTART(null);

    private final @Nullable EndReason end;

    Event(@Nullable EndReason end) {
      this.end = end;
    }
  }

  private static final Duration GRACE = Duration.ofMillis(600);

  /** A grace that something else ends, however late it comes. */
  private static final Duration LONG_GRACE = Duration.ofHours(1);

  @TempDir Path directory;
  private TestJobs jobs;
  private Path place;
  private RandomAccessFile go;
  private long startNanos;

  /** In which its first event is to happen; doubled where that was too late, on a busy machine. */
  private Duration time = Duration.ofMillis(700);

  private Duration grace = GRACE;
  private final List<CompletableFuture<JobStatus>> stops = new ArrayList<>();

  @BeforeEach
  void open() throws Exception {
    jobs = new TestJobs(directory.resolve("state"));
    place = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-test-");
    Files.setPosixFilePermissions(place, PosixFilePermissions.fromString("rwxr-xr-x"));
    Path fifo = place.resolve("go");
    assertThat(new ProcessBuilder("mkfifo", "-m", "644", fifo.toString()).start().waitFor())
        .isZero();
    go = new RandomAccessFile(fifo.toFile(), "rw"); // fifo(7): waits for no reader
  }

  @AfterEach
  void close() throws Exception {
    jobs.close();
    go.close();
    Files.delete(place.resolve("go"));
    Files.delete(place);
  }

  static Stream<Arguments> pairs() {
    return Stream.of(Event.values())
        .flatMap(first ->
            Stream.of(Event.values())
                .filter(second -> second != first)
                .map(second -> Arguments.of(first, second)));
  }

  private JobStatus start(Event first, Event second) throws Exception {
    JobSpec.Builder spec =
        JobSpec.builder(
            List.of("sh", "-c", "trap '' TERM; echo up; read x <" + place + "/go; exit 7"));
    boolean timed = first == Event.TIME_OUT || second == Event.TIME_OUT;
    if (timed) {
      spec.timeout(time);
    }
    if (second == Event.EXIT || second == Event.LAUNCHER_DEATH) {
      grace = LONG_GRACE;
    }
    startNanos = System.nanoTime();
    JobStatus job = jobs.start(Owner.of("alice"), spec.build());
    boolean up = jobs.hasOutput(job, "up\n");
    assertThat(up || (timed && isTimeOver())).isTrue();
    return job;
  }

  private boolean isTimeOver() {
    return System.nanoTime() - startNanos > time.toNanos();
  }

  /** What is done to a job once it is up. */
  private interface Deed {
    void happensTo(JobStatus job) throws Exception;
  }

  /** Starts one; where its time was over before this was done, another with more time. */
  private JobStatus startAndInTime(Event first, Event second, Deed deed) throws Exception {
    while (true) {
      JobStatus job = start(first, second);
      deed.happensTo(job);
      if ((first != Event.TIME_OUT && second != Event.TIME_OUT) || !isTimeOver()) {
        return job;
      }
      int launcher = jobs.launcher(job);
      if (launcher != 0) {
        TestJobs.signal("CONT", launcher);
      }
      jobs.jobs().find(job.id()).stop(StopRequest.withGrace(Duration.ZERO));
      stops.clear();
      time = time.multipliedBy(2);
    }
  }

  private void happens(Event event, JobStatus job) throws Exception {
    switch (event) {
      case EXIT -> go.write('\n');
      case STOP -> stop(job, Duration.ZERO);
      case GRACE -> stop(job, grace);
      case TIME_OUT -> await().atMost(TestJobs.PATIENCE).until(this::isTimeOver);
      case LAUNCHER_DEATH -> {
        int launcher = jobs.launcher(job);
        if (launcher != 0) {
          TestJobs.signal("KILL", launcher);
        }
      }
      case RESTART -> jobs.restart(() -> {});
    }
  }

  /** Returns when it has begun. */
  private void stop(JobStatus job, Duration grace) {
    Job handle = jobs.jobs().find(job.id());
    stops.add(CompletableFuture.supplyAsync(() -> handle.stop(StopRequest.withGrace(grace))));
    await()
        .atMost(TestJobs.PATIENCE)
        .until(() -> jobs.jobs().find(job.id()).status().state() != JobState.RUNNING);
  }

  /** The end, of which nobody has been told anything else, and after which nothing is left. */
  private EndReason end(JobStatus job) {
    // Another server may need some time to take it up.
    JobStatus ended =
        await()
            .atMost(TestJobs.PATIENCE)
            .ignoreExceptionsInstanceOf(JobException.Unavailable.class)
            .until(() -> jobs.ended(job), status -> status.state().isFinal());
    EndReason reason = ended.end().orElseThrow().reason();
    if (reason == EndReason.EXITED) {
      assertThat(ended.end().orElseThrow().exitCode()).hasValue(7);
    }
    for (CompletableFuture<JobStatus> stop : stops) {
      if (stop.isDone() && !stop.isCompletedExceptionally()) {
        assertThat(stop.join().state()).isIn(JobState.STOPPING, ended.state());
      }
    }
    await().atMost(TestJobs.PATIENCE).until(() -> ProcessHandle.of(job.mainPid()).isEmpty());
    return reason;
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void theFirstEventDecidesAndTheSecondChangesNothing(Event first, Event second) throws Exception {
    JobStatus job;
    if (first == Event.TIME_OUT) {
      job = start(first, second);
      happensFirst(first, job);
    } else {
      job = startAndInTime(first, second, begun -> happensFirst(first, begun));
    }
    happens(second, job);
    Event deciding =
        first == Event.RESTART || (first == Event.GRACE && second == Event.LAUNCHER_DEATH)
            ? second
            : first;
    assertThat(end(job)).isEqualTo(deciding.end);
  }

  /** Returns when it has ended the job, if it does so at once. */
  private void happensFirst(Event event, JobStatus job) throws Exception {
    happens(event, job);
    if (event != Event.GRACE && event != Event.RESTART) {
      jobs.ended(job);
    }
  }

  /** Stops its launcher for now. */
  private void hold(JobStatus job) throws Exception {
    int launcher = jobs.launcher(job);
    if (launcher != 0) {
      TestJobs.signal("STOP", launcher);
    }
  }

  @ParameterizedTest
  @MethodSource("pairs")
  void ofALauncherThatHearsOfBothAtOnceTheEndIsThatOfOneOfThem(Event first, Event second)
      throws Exception {
    JobStatus job = startAndInTime(first, second, this::hold);
    int launcher = jobs.launcher(job);
    happens(first, job);
    happens(second, job);
    if (first != Event.LAUNCHER_DEATH && second != Event.LAUNCHER_DEATH) {
      TestJobs.signal("CONT", launcher);
    }
    assertThat(end(job)).isIn(first.end, second.end);
  }

  @Test
  void aStopThatWaitsForItsLauncherKillsNothingWhenItsServerHasClosed() throws Exception {
    JobStatus job = start(Event.STOP, Event.RESTART);
    int launcher = jobs.launcher(job);
    hold(job);
    happens(Event.STOP, job);
    ProcessHandle main = ProcessHandle.of(job.mainPid()).orElseThrow();
    jobs.restart(() -> {
      CompletableFuture<JobStatus> stop = stops.getFirst();
      await().atMost(TestJobs.PATIENCE).until(() -> stop.isDone() || !main.isAlive());
      assertThat(main.isAlive()).isTrue();
    });
    TestJobs.signal("CONT", launcher);
    assertThat(end(job)).isEqualTo(EndReason.STOPPED);
  }

  @Test
  void aStopGoesOnWithoutWhoeverAskedForItAndWithoutTheLauncher() throws Exception {
    JobStatus job = start(Event.STOP, Event.EXIT);
    assumeTrue(jobs.jobs().cgroupProblem().isEmpty(), "by its cgroup only");
    int launcher = jobs.launcher(job);
    hold(job);
    Job found = jobs.jobs().find(job.id());
    Thread caller = Thread.startVirtualThread(() -> found.stop(StopRequest.DEFAULT));
    await().atMost(TestJobs.PATIENCE).until(() -> found.status().state() == JobState.STOPPING);
    caller.interrupt();
    assertThat(caller.join(TestJobs.PATIENCE)).isTrue();
    Path events = jobs.cgroup(job).resolve("cgroup.events");
    await().atMost(TestJobs.PATIENCE).until(() -> Files.readString(events).contains("populated 0"));
    TestJobs.signal("CONT", launcher);
    assertThat(end(job)).isEqualTo(EndReason.STOPPED);
  }

  @Test
  void whereAllAreStoppedWhileOthersBeginNoneIsLeft() throws Exception {
    List<CompletableFuture<List<JobStatus>>> starters = new ArrayList<>();
    CountDownLatch begun = new CountDownLatch(8);
    for (int i = 0; i < 4; i++) {
      starters.add(
          CompletableFuture.supplyAsync(() -> {
            List<JobStatus> started = new ArrayList<>();
            try {
              while (true) {
                started.add(jobs.start(Owner.of("alice"), JobSpec.of("sleep", "1000")));
                begun.countDown();
              }
            } catch (JobException.Unavailable e) {
              return started;
            }
          }));
    }
    assertThat(begun.await(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    jobs.jobs().stopAll(Duration.ZERO);
    for (CompletableFuture<List<JobStatus>> starter : starters) {
      for (JobStatus job : starter.get(TestJobs.PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        assertThat(jobs.jobs().find(job.id()).status().state()).isEqualTo(JobState.STOPPED);
      }
    }
  }
}
