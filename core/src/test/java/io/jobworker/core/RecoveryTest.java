package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a library finds that another has left, in whatever condition. */
class RecoveryTest {
  private static final String FOR_EVER = "echo up; sleep 1000";

  @TempDir Path directory;
  private TestJobs jobs;

  @BeforeEach
  void open() {
    jobs = new TestJobs(directory.resolve("state"));
  }

  @AfterEach
  void close() {
    jobs.close();
  }

  private JobStatus forEver() throws Exception {
    JobStatus job = jobs.shell(FOR_EVER, Limits.NONE);
    jobs.awaitOutput(job, "up\n");
    return job;
  }

  private JobEnd end(JobStatus job) {
    return jobs.ended(job).end().orElseThrow();
  }

  private void sql(String statement, String... values) throws Exception {
    try (Connection database =
            DriverManager.getConnection("jdbc:sqlite:" + jobs.state().resolve("jobs.db"));
        PreparedStatement prepared = database.prepareStatement(statement)) {
      for (int i = 0; i < values.length; i++) {
        prepared.setString(i + 1, values[i]);
      }
      prepared.executeUpdate();
    }
  }

  @Test
  void aJobWhoseLauncherWasKilledIsLostAndSaysSo() throws Exception {
    JobStatus job = forEver();
    jobs.restart(() -> jobs.killLauncher(job));
    assertThat(end(job).reason()).isEqualTo(EndReason.LOST);
    assertThat(end(job).detail()).isEqualTo("its launcher was killed");
    assertThat(jobs.output(job)).isEqualTo("up\n");
  }

  @Test
  void aJobThatRanBeforeTheHostWasRestartedIsLostAndSaysSo() throws Exception {
    JobStatus job = forEver();
    jobs.restart(() -> {
      jobs.killLauncher(job);
      sql("UPDATE job SET boot_id = 'another' WHERE id = ?", job.id().toString());
    });
    assertThat(end(job).detail()).isEqualTo("the host was restarted");
  }

  @Test
  void anEndThatWasRecordedBeforeTheHostWasRestartedIsKnownAllTheSame() throws Exception {
    JobStatus job = forEver();
    int launcher = FileCalls.lockHolder(jobs.directory(job).resolve("life"));
    jobs.restart(() -> {
      new ProcessBuilder("kill", Integer.toString(job.mainPid())).start().waitFor();
      ProcessCalls.reap(launcher); // it writes the record and leaves
      sql("UPDATE job SET boot_id = 'another' WHERE id = ?", job.id().toString());
    });
    assertThat(end(job).reason()).isEqualTo(EndReason.SIGNALED);
    assertThat(jobs.output(job)).isEqualTo("up\n");
  }

  private static void delete(Path tree) throws IOException {
    try (var files = Files.walk(tree)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  @Test
  void aJobWithoutItsDirectoryIsLostAndSaysSo() throws Exception {
    JobStatus job = forEver();
    jobs.restart(() -> {
      jobs.killLauncher(job);
      delete(jobs.directory(job));
    });
    assertThat(end(job).detail()).isEqualTo("its directory is gone");
  }

  @Test
  void anExitRecordThatIsNoneMakesTheJobLostAndSaysSo() throws Exception {
    JobStatus job = forEver();
    jobs.restart(() -> {
      jobs.killLauncher(job);
      Files.writeString(jobs.directory(job).resolve("exit"), "version 1\nexit_code");
    });
    assertThat(end(job).detail()).isEqualTo("its exit record is damaged");
  }

  @Test
  void whatALauncherCouldNotReadIsUntoldAndNoZero() throws Exception {
    JobStatus job = forEver();
    jobs.restart(() -> {
      jobs.killLauncher(job);
      Files.writeString(
          jobs.directory(job).resolve("exit"),
          """
          version 2
          exit_code -1
          signal 9
          cause none
          ended_at_ns 1
          user_usec 5
          system_usec 6
          max_rss_bytes 7
          read_bytes 8
          write_bytes 9
          cgroup_cpu_usec -2
          cgroup_throttled_usec -2
          cgroup_memory_peak_bytes -1
          cgroup_oom_kills -2
          cgroup_read_bytes 10
          cgroup_write_bytes -2
          log_end 3
          log_kept 3
          log_complete 1
          end
          """);
    });
    JobEnd end = end(job);
    assertThat(end.reason()).isEqualTo(EndReason.SIGNALED);
    assertThat(end.detail()).isEqualTo("whether that was for want of memory could not be read");
    assertThat(end.usage().cpu()).isNegative();
    assertThat(end.usage().memoryPeakBytes()).isEqualTo(7);
    assertThat(end.usage().oomKills()).isEqualTo(Usage.UNTOLD);
    assertThat(end.usage().readBytes()).isEqualTo(10);
    jobs.restart(() -> {});
    assertThat(end(job)).isEqualTo(end);
  }

  @Test
  void garbageInOneJobsDirectoryKeepsNoOtherFromItsPlace() throws Exception {
    JobStatus broken = forEver();
    JobStatus whole = forEver();
    jobs.restart(() -> {
      jobs.killLauncher(broken);
      Path own = jobs.directory(broken);
      Files.delete(own.resolve("life"));
      Files.createDirectory(own.resolve("life"));
      Files.delete(own.resolve("control"));
      Files.writeString(own.resolve("control"), "no socket");
      Files.writeString(own.resolve("output/nonsense.seg"), "x");
      Files.writeString(own.resolve("output/0003.seg"), "half");
    });
    assertThat(end(broken).reason()).isEqualTo(EndReason.LOST);
    assertThat(jobs.output(broken)).isEqualTo("up\n");
    assertThat(jobs.jobs().find(whole.id()).status().state()).isEqualTo(JobState.RUNNING);
  }

  @Test
  void aRecordThatCannotBeReadKeepsNoOtherFromItsPlaceAndItsJobIsNotTouched() throws Exception {
    JobStatus broken = forEver();
    JobStatus whole = forEver();
    String id = broken.id().toString();
    jobs.restart(() -> sql("UPDATE job SET spec = 'x' || spec WHERE id = ?", id));
    jobs.jobs().recovered().join();
    assertThat(jobs.jobs().find(whole.id()).status().state()).isEqualTo(JobState.RUNNING);
    assertThat(ProcessHandle.of(broken.mainPid())).isPresent();
    jobs.restart(() -> sql("UPDATE job SET spec = substr(spec, 2) WHERE id = ?", id));
    assertThat(jobs.jobs().find(broken.id()).status().state()).isEqualTo(JobState.RUNNING);
  }

  @Test
  void largeRecordsThatCannotBeReadKeepNoOtherOutOfAList() throws Exception {
    JobStatus readable = jobs.start(Owner.of("alice"), JobSpec.of("true"));
    jobs.ended(readable);
    Map<String, String> large = new HashMap<>();
    for (int i = 0; i < 6; i++) {
      large.put("LARGE" + i, "x".repeat(100_000));
    }
    List<JobStatus> broken = new ArrayList<>();
    for (int i = 0; i < 3; i++) { // together more than is read at once
      broken.add(
          jobs.start(
              Owner.of("alice"), JobSpec.builder(List.of("true")).environment(large).build()));
      jobs.ended(broken.getLast());
    }
    jobs.restart(() -> {
      for (JobStatus job : broken) {
        sql("UPDATE job SET spec = 'x' || spec WHERE id = ?", job.id().toString());
      }
    });
    JobQuery all = new JobQuery(Optional.of("alice"), JobFilter.ALL, Optional.empty(), 100);
    assertThat(jobs.jobs().list(all).jobs())
        .extracting(entry -> entry.status().id())
        .containsExactly(readable.id());
  }

  @Test
  void aWriteAheadLogWithGarbageAtItsEndIsRead() throws Exception {
    JobStatus job = forEver();
    jobs.restart(() ->
        Files.writeString(
            jobs.state().resolve("jobs.db-wal"), "x".repeat(5000), StandardOpenOption.CREATE));
    assertThat(jobs.jobs().find(job.id()).status().state()).isEqualTo(JobState.RUNNING);
  }

  @Test
  void aDatabaseThatIsNoneIsRefusedAndHarmsNoJob() throws Exception {
    JobStatus job = forEver();
    Path database = jobs.state().resolve("jobs.db");
    jobs.jobs().close();
    byte[] content = Files.readAllBytes(database);
    Files.writeString(database, "this is not a database, but it is long enough to be one");
    assertThatThrownBy(() -> Jobs.open(TestJobs.config(jobs.state())))
        .isInstanceOf(JobException.StateRefused.class)
        .hasMessageContaining("jobs.db");
    jobs.restart(() -> Files.write(database, content));
    assertThat(jobs.jobs().find(job.id()).status().state()).isEqualTo(JobState.RUNNING);
  }

  @Test
  void aLauncherThatCannotBeReachedLetsItsJobRunAndAStopEndsIt() throws Exception {
    JobStatus job = forEver();
    int launcher = FileCalls.lockHolder(jobs.directory(job).resolve("life"));
    jobs.restart(() -> Files.delete(jobs.directory(job).resolve("control")));
    jobs.jobs().recovered().join();
    Job handle = jobs.jobs().find(job.id());
    assertThat(handle.status().state()).isEqualTo(JobState.RUNNING);
    assertThatThrownBy(() -> handle.stop(StopRequest.withGrace(Duration.ZERO)))
        .isInstanceOf(JobException.Unavailable.class)
        .hasMessageContaining("was killed");
    ProcessCalls.reap(launcher);
    await().atMost(TestJobs.PATIENCE).until(() -> handle.status().state().isFinal());
    assertThat(handle.whenEnded().join()).isEqualTo(handle.status());
    assertThat(ProcessHandle.of(job.mainPid())).isEmpty();
  }

  @Test
  void whatCannotBeReachedIsEndedWithAllTheOthers() throws Exception {
    JobStatus job = forEver();
    int launcher = FileCalls.lockHolder(jobs.directory(job).resolve("life"));
    jobs.restart(() -> Files.delete(jobs.directory(job).resolve("control")));
    jobs.jobs().recovered().join();
    jobs.jobs().stopAll(Duration.ZERO);
    ProcessCalls.reap(launcher);
    await().atMost(TestJobs.PATIENCE).until(() -> ProcessHandle.of(job.mainPid()).isEmpty());
    assertThat(end(job).reason()).isEqualTo(EndReason.STOPPED);
  }

  @Test
  void jobsThatRunAreInCareHoweverLongTheEndsOfOthersTake() throws Exception {
    List<JobStatus> ended = new ArrayList<>();
    List<JobStatus> running = new ArrayList<>();
    for (int i = 0; i < 48; i++) { // of the ended ones more than are seen to beside each other
      JobStatus job = jobs.start(JobSpec.of("/bin/sleep", "1000"), Optional.empty());
      (i % 4 == 3 ? running : ended).add(job);
    }
    AtomicInteger begun = new AtomicInteger();
    long start = System.nanoTime();
    CompletableFuture<Void> heard = new CompletableFuture<>();
    JobListener slow =
        event -> {
          if (event instanceof JobEvent.Ended
              && ended.stream().anyMatch(job -> job.id().equals(event.job()))) {
            begun.incrementAndGet();
            heard.join();
          }
        };
    try {
      jobs.restart(
          slow,
          () -> {
            for (JobStatus job : ended) {
              jobs.killLauncher(job);
            }
          });
      for (JobStatus job : running) {
        JobStatus stopped = jobs.jobs().find(job.id()).stop(StopRequest.withGrace(Duration.ZERO));
        assertThat(stopped.state()).isEqualTo(JobState.STOPPED);
      }
      if (System.nanoTime() - start < Duration.ofSeconds(8).toNanos()) { // then a turn is over
        assertThat(begun).as("ends that have had their turn").hasValueLessThanOrEqualTo(32);
      }
    } finally {
      heard.complete(null);
    }
    for (JobStatus job : ended) {
      assertThat(end(job).reason()).isEqualTo(EndReason.LOST);
    }
  }

  @Test
  void whatBelongsToNobodyIsRemovedAndWhatIsNoJobIsLeft() throws Exception {
    Path unanswered = jobs.state().resolve("jobs").resolve(UUID.randomUUID().toString());
    Path other = jobs.state().resolve("jobs/lost+found");
    jobs.restart(() -> {
      Files.createDirectories(unanswered.resolve("work/deep"));
      Files.writeString(unanswered.resolve("work/deep/file"), "x");
      Files.createDirectory(other);
    });
    jobs.jobs().recovered().join();
    assertThat(unanswered).doesNotExist();
    assertThat(other).exists();
    Files.delete(other);
  }

  @Test
  void jobsThatStartWhileOthersAreTakenUpAreNotTakenForRemains() throws Exception {
    List<JobStatus> before = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      before.add(forEver());
    }
    jobs.restart(() -> {});
    List<JobStatus> during = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      during.add(jobs.shell(FOR_EVER, Limits.NONE));
    }
    jobs.jobs().recovered().join();
    for (List<JobStatus> some : List.of(before, during)) {
      for (JobStatus job : some) {
        assertThat(jobs.jobs().find(job.id()).status().state()).isEqualTo(JobState.RUNNING);
        assertThat(ProcessHandle.of(job.mainPid())).isPresent();
      }
    }
  }
}
