package io.jobworker.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.cgroup.CgroupHost;
import io.jobworker.core.job.Allowance;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.Requester;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.output.Cursor;
import io.jobworker.core.output.JobOutput;
import io.jobworker.core.output.ReadResult;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** A library of a test's own, that ends all its jobs and removes its cgroups when it is closed. */
final class TestJobs implements AutoCloseable {
  /** One for each state directory, as of servers beside each other. */
  private static final Map<Path, String> CGROUP_ROOTS = new ConcurrentHashMap<>();

  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final long PATIENCE_SECONDS = 120;

  /** How long anything may take on a busy machine. */
  static final Duration PATIENCE = Duration.ofSeconds(PATIENCE_SECONDS);

  private Jobs jobs;
  private final Path state;
  private final List<JobId> started = new CopyOnWriteArrayList<>();
  private final Map<JobId, String> slots = new ConcurrentHashMap<>();

  TestJobs(Path state) {
    this(config(state));
  }

  TestJobs(JobsConfig config) {
    state = config.stateDirectory();
    jobs = Jobs.open(config);
  }

  static JobsConfig config(Path state) {
    JobsConfig defaults = JobsConfig.in(state);
    return config(state, defaults.output(), defaults.history(), defaults.clock());
  }

  static JobsConfig config(
      Path state, JobsConfig.Output output, JobsConfig.History history, Clock clock) {
    return config(state, output, history, clock, PATIENCE);
  }

  static JobsConfig config(
      Path state,
      JobsConfig.Output output,
      JobsConfig.History history,
      Clock clock,
      Duration repeatPatience) {
    JobsConfig defaults = JobsConfig.in(state);
    return config(
        state,
        cgroupRoot(state),
        defaults.isolate(),
        output,
        history,
        defaults.defaults(),
        clock,
        repeatPatience);
  }

  /** On a host that gives a server neither cgroups nor namespaces. */
  static JobsConfig bare(Path state) {
    return bare(state, JobsConfig.Defaults.NONE);
  }

  /** The same with limits for jobs that do not say. */
  static JobsConfig bare(Path state, JobsConfig.Defaults limits) {
    JobsConfig defaults = JobsConfig.in(state);
    return config(
        state,
        "cgroup.procs/no-directory",
        false,
        defaults.output(),
        defaults.history(),
        limits,
        defaults.clock(),
        PATIENCE);
  }

  /** With limits for jobs that do not say. */
  static JobsConfig config(Path state, JobsConfig.Defaults limits) {
    JobsConfig defaults = JobsConfig.in(state);
    return config(
        state,
        cgroupRoot(state),
        defaults.isolate(),
        defaults.output(),
        defaults.history(),
        limits,
        defaults.clock(),
        PATIENCE);
  }

  private static JobsConfig config(
      Path state,
      String cgroupRoot,
      boolean isolate,
      JobsConfig.Output output,
      JobsConfig.History history,
      JobsConfig.Defaults limits,
      Clock clock,
      Duration repeatPatience) {
    JobsConfig defaults = JobsConfig.in(state);
    return new JobsConfig(
        defaults.stateDirectory(),
        cgroupRoot,
        output,
        history,
        defaults.rlimits(),
        isolate,
        defaults.scratch(),
        defaults.hide(),
        defaults.somebody(),
        limits,
        defaults.launcherCpu(),
        defaults.durable(),
        Duration.ofSeconds(60),
        Duration.ofSeconds(60),
        repeatPatience,
        clock,
        clock instanceof SetClock set ? set::uptime : defaults.uptime(),
        defaults.takeOver());
  }

  Jobs jobs() {
    return jobs;
  }

  /** Closes the library, does something while there is none, and opens it again. */
  void restart(Meanwhile meanwhile) throws Exception {
    restart(PATIENCE, meanwhile);
  }

  /** The same with another patience for starts to be repeated. */
  void restart(Duration repeatPatience, Meanwhile meanwhile) throws Exception {
    JobsConfig defaults = JobsConfig.in(state);
    jobs.close();
    meanwhile.happens();
    jobs =
        Jobs.open(
            config(state, defaults.output(), defaults.history(), defaults.clock(), repeatPatience));
  }

  /** The same, and somebody hears of what happens. */
  void restart(JobListener listener, Meanwhile meanwhile) throws Exception {
    jobs.close();
    meanwhile.happens();
    jobs = Jobs.open(config(state), listener);
  }

  /** The same, and what is found is taken over in this way. */
  void restart(TakeOver how, Meanwhile meanwhile) throws Exception {
    jobs.close();
    meanwhile.happens();
    jobs = Jobs.open(config(state).takingOver(how));
  }

  /** What happens while there is no server. */
  interface Meanwhile {
    void happens() throws Exception;
  }

  Path state() {
    return state;
  }

  Path directory(JobStatus job) {
    return state.resolve("jobs").resolve(job.id().toString());
  }

  /** The PID of the job's launcher; 0 if none lives. */
  int launcher(JobStatus job) throws IOException {
    Path life = directory(job).resolve("life");
    return Files.exists(life) ? FileCalls.lockHolder(life) : 0;
  }

  /** Sends a signal by its name. */
  static void signal(String name, int process) throws Exception {
    assertThat(process).as("who is signalled").isPositive(); // 0 would be all of us
    assertThat(new ProcessBuilder("kill", "-" + name, Integer.toString(process)).start().waitFor())
        .isZero();
  }

  /** Kills the job's launcher, which is a child of this process. */
  void killLauncher(JobStatus job) throws Exception {
    int launcher = launcher(job);
    signal("KILL", launcher);
    ProcessCalls.reap(launcher);
  }

  /** Where the job's slot in the cgroup tree is, or was. */
  Path slot(JobStatus job) {
    return CgroupHost.inspect()
        .mount()
        .orElseThrow()
        .resolve(cgroupRoot(state))
        .resolve("jobs")
        .resolve(slots.getOrDefault(job.id(), "unknown"));
  }

  /** Where the job itself is in it. */
  Path cgroup(JobStatus job) {
    return slot(job).resolve("job");
  }

  JobStatus start(JobSpec spec, Optional<RunAs> runAs) {
    return start(new Owner("alice", runAs, Allowance.UNLIMITED), spec);
  }

  JobStatus start(Owner owner, JobSpec spec) {
    JobStatus job = jobs.start(StartRequest.of(owner, spec)).status();
    started.add(job.id());
    try {
      Path link = directory(job).resolve("slot");
      slots.put(job.id(), Files.readSymbolicLink(link).toString());
    } catch (IOException e) {
      // it has ended already, or there are no cgroups
    }
    return job;
  }

  JobStatus shell(String script, Limits limits) {
    return start(
        JobSpec.builder(List.of("/bin/sh", "-c", script)).limits(limits).build(), Optional.empty());
  }

  JobStatus shellAs(int uid, String script) {
    return start(JobSpec.of("/bin/sh", "-c", script), Optional.of(new RunAs(uid, uid)));
  }

  void remove(JobStatus job) {
    remove(jobs, job.id());
    started.removeIf(job.id()::equals);
  }

  /** Removes a job of alice's that has ended, when it is cleaned up. */
  static void remove(Jobs jobs, JobId id) {
    await()
        .atMost(PATIENCE)
        .ignoreExceptionsMatching(
            e -> String.valueOf(e.getMessage()).contains("still being cleaned up"))
        .until(() -> {
          jobs.find(id).remove(Requester.named("alice"));
          return true;
        });
  }

  JobStatus ended(JobStatus job) {
    return jobs.find(job.id()).whenEnded().orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
  }

  /** All output of both streams, after the end. */
  String output(JobStatus job) {
    ended(job);
    try {
      return jobs.find(job.id()).output().newest(1 << 20);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until the job has written so many bytes. */
  void awaitEnd(JobStatus job, long bytes) throws InterruptedException {
    JobOutput output = jobs.find(job.id()).output();
    while (output.end() < bytes) {
      CountDownLatch more = new CountDownLatch(1);
      try (Cursor cursor = output.cursor(output.end(), Optional.empty())) {
        cursor.await(more::countDown);
        assertThat(more.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
      }
    }
  }

  /** Waits until the job has written this much text that ends so. */
  void awaitOutput(JobStatus job, String ending) throws InterruptedException {
    awaitOutput(jobs, job, ending);
  }

  /** The same of another library. */
  static void awaitOutput(Jobs jobs, JobStatus job, String ending) throws InterruptedException {
    if (!hasOutput(jobs, job, ending)) {
      throw new AssertionError("the job ended without " + ending.strip());
    }
  }

  /** Waits until the output ends so, or does so no more because the job has ended. */
  boolean hasOutput(JobStatus job, String ending) throws InterruptedException {
    return hasOutput(jobs, job, ending);
  }

  private static boolean hasOutput(Jobs jobs, JobStatus job, String ending)
      throws InterruptedException {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    try (Cursor cursor = jobs.find(job.id()).output().cursor(0, Optional.empty())) {
      while (!text.toString(StandardCharsets.UTF_8).endsWith(ending)) {
        switch (cursor.read(new byte[4096])) {
          case ReadResult.Chunk chunk -> text.writeBytes(chunk.copy());
          case ReadResult.Dropped _ -> {}
          case ReadResult.CaughtUp _ -> {
            CountDownLatch more = new CountDownLatch(1);
            cursor.await(more::countDown);
            assertThat(more.await(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
          }
          case ReadResult.End _ -> {
            return false;
          }
        }
      }
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    started.forEach(this::stopIfKnown);
    jobs.close();
    removeCgroups(state);
  }

  private void stopIfKnown(JobId id) {
    try {
      var _ = jobs.find(id).stop(StopRequest.withGrace(Duration.ZERO));
    } catch (JobException.NoSuchJob e) {
      // the test has removed it, or what was known of it
    }
  }

  private static String cgroupRoot(Path state) {
    return CGROUP_ROOTS.computeIfAbsent(
        state.toAbsolutePath(),
        _ -> "job-worker-test-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet());
  }

  /** Of all libraries of this process. Fails if something stays behind in them. */
  static void removeCgroups() {
    List.copyOf(CGROUP_ROOTS.keySet()).forEach(TestJobs::removeCgroups);
  }

  private static void removeCgroups(Path state) {
    Optional<Path> root =
        CgroupHost.inspect().mount().map(mount -> mount.resolve(cgroupRoot(state)));
    if (!root.map(TestJobs::leftIn).orElse("").isEmpty()) {
      await().atMost(PATIENCE).untilAsserted(() -> assertThat(leftIn(root.get())).isEmpty());
    }
    CGROUP_ROOTS.remove(state.toAbsolutePath());
  }

  /** A helper that was removing files when its jobs were closed takes its turn to the end. */
  private static String leftIn(Path root) {
    try {
      for (String child : List.of("jobs", "removal", "")) {
        Files.deleteIfExists(root.resolve(child));
      }
      return "";
    } catch (IOException e) {
      return e.toString();
    }
  }
}
