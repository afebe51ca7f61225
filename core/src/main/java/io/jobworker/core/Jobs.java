package io.jobworker.core;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.job.ByteSize;
import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.core.linux.BootId;
import io.jobworker.core.linux.Errno;
import io.jobworker.core.linux.EventLoop;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.linux.LinuxException;
import io.jobworker.core.output.LogPage;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.LaunchFailure;
import io.jobworker.core.process.LaunchSheet;
import io.jobworker.core.process.LauncherBinary;
import io.jobworker.core.process.Monitor;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * The front door: starts jobs, knows them, stops them, and gives access to their output.
 *
 * <ul>
 *   <li>A job that {@link #start} has answered for is known until it is removed, whatever happens
 *       to this process.
 *   <li>Closing this leaves running jobs running; whoever opens the same directory next takes them
 *       up where they are.
 *   <li>When a job's end is visible, its output is complete; when its output ends, its end is
 *       visible.
 * </ul>
 *
 * <p>Thread-safe. Methods may block for as long as they say and are best called on virtual threads.
 * What can go wrong with a request is a {@link JobException}.
 */
public final class Jobs implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Jobs.class);

  /** How long a stop waits for the launcher before the cgroup is killed over its head. */
  private static final Duration LAUNCHER_PATIENCE = Duration.ofSeconds(2);

  /** Where an isolated job finds its own directory ({@code launcher/src/sheet.h}). */
  private static final String ISOLATED_WORK = "/tmp/work";

  /** Between attempts at what must be done in the end. */
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);

  private static final Duration MAX_PAUSE = Duration.ofSeconds(5);

  /** In good health capture is at a pipe for microseconds at a time. */
  private static final Duration STUCK_AFTER = Duration.ofSeconds(5);

  /** How many jobs are looked at at a time, at most, when they are listed. */
  private static final int LIST_BATCH = 500;

  /** How long closing waits for what has begun: starts, and the ends of jobs. */
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(25);

  /** The errnos by which the host says that it is out of something. */
  private static final Set<Integer> SHORTAGES =
      Set.of(
          Errno.EAGAIN,
          Errno.ENOMEM,
          Errno.EMFILE,
          Errno.ENFILE,
          Errno.ENOSPC,
          Errno.EDQUOT,
          Errno.EPIPE);

  private final JobsConfig config;
  private final JobListener listener;
  private final DirectoryLock lock;
  private final Path launcher;
  private final JobStore store;
  private final EventLoop control;
  private final CgroupTree cgroups;
  private final Trash trash;
  private final Ending ending;
  private final Retention retention;
  private final Recovery recovery;
  private final String bootId = BootId.current();
  private final ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor();
  private final ConcurrentMap<JobId, ActiveJob> active = new ConcurrentHashMap<>();

  /** Starts that are under way, by owner and request id: a second one waits for the first. */
  private final ConcurrentMap<RequestKey, CompletableFuture<JobStatus>> starting =
      new ConcurrentHashMap<>();

  /** One party for this object, and one for each start and each end that is under way. */
  private final Phaser inFlight = new Phaser(1);

  private volatile boolean closing;

  private record RequestKey(String owner, String requestId) {}

  private Jobs(JobsConfig config, JobListener listener, DirectoryLock lock, JobStore store)
      throws IOException {
    this.config = config;
    this.listener = listener;
    this.lock = lock;
    this.store = store;
    launcher = LauncherBinary.unpack(config.stateDirectory());
    control = EventLoop.start("control");
    cgroups = CgroupTree.open(config.cgroupRoot(), control);
    trash = new Trash(config.stateDirectory(), launcher, cgroups.removal());
    ending = new Ending(store, config.clock(), this::tellRefusal);
    retention = new Retention(config, store, this::directory, trash, this::tellRemoval);
    recovery = new Recovery(this, store, cgroups);
  }

  /**
   * Opens the jobs in the configured directory, and begins to take up those that another process
   * has left running there; whoever asks for one of them meanwhile waits for it. The caller closes
   * it.
   *
   * @throws JobException.Unavailable if the directory is in use or cannot be used
   */
  public static Jobs open(JobsConfig config, JobListener listener) {
    Path state = config.stateDirectory();
    try {
      JobDirectory.createPrivately(jobsDirectory(state));
      DirectoryLock lock = DirectoryLock.take(state);
      try {
        return open(config, listener, lock);
      } catch (IOException | RuntimeException e) {
        lock.close();
        throw e;
      }
    } catch (IOException e) {
      throw new JobException.Unavailable("cannot open " + state, e);
    }
  }

  private static Jobs open(JobsConfig config, JobListener listener, DirectoryLock lock)
      throws IOException {
    JobStore store = JobStore.open(config.stateDirectory().resolve("jobs.db"));
    try {
      Jobs jobs = new Jobs(config, listener, lock, store);
      jobs.recovery.begin();
      jobs.retention.start();
      jobs.trash.start();
      return jobs;
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
  }

  /** Completes when all that another process has left behind has been looked at. */
  public CompletableFuture<@Nullable Void> recovered() {
    return recovery.done();
  }

  /** The cgroup controllers that jobs can be limited by here. */
  public Set<String> controllers() {
    return cgroups.controllers();
  }

  /** Why limits and whole-tree kills by cgroup are not to be had; empty if they are. */
  public Optional<String> cgroupProblem() {
    return cgroups.available() ? Optional.empty() : Optional.of(cgroups.problem());
  }

  // --- start

  /**
   * Starts a job and answers when its program is executing.
   *
   * @param owner whom it belongs to
   * @param stdin what it reads on descriptor 0; empty: {@code /dev/null}
   * @return its status; for a repeated {@link JobSpec#requestId} that of the first one's job
   */
  public JobStatus start(Owner owner, JobSpec asked, byte[] stdin) {
    JobSpec spec = LimitPolicy.apply(asked, config.defaultLimits(), owner.allowance().ceilings());
    spec.requireValid(stdin);
    checkIsolation(spec, owner.runAs());
    inFlight.register();
    try {
      if (closing) {
        throw new JobException.Unavailable("the server is shutting down");
      }
      return spec.requestId().isPresent()
          ? startOnce(new RequestKey(owner.name(), spec.requestId().get()), owner, spec, stdin)
          : startNew(owner, spec, stdin);
    } finally {
      inFlight.arriveAndDeregister();
    }
  }

  private JobStatus startOnce(RequestKey key, Owner owner, JobSpec spec, byte[] stdin) {
    CompletableFuture<JobStatus> mine = new CompletableFuture<>();
    CompletableFuture<JobStatus> first = starting.putIfAbsent(key, mine);
    if (first != null) {
      try {
        return status(first.join().id());
      } catch (CompletionException e) {
        throw e.getCause() instanceof JobException failure ? failure : e;
      }
    }
    try {
      Optional<JobRecord> known = store.findByRequest(key.owner(), key.requestId());
      JobStatus job = known.isPresent() ? status(known.get().id()) : startNew(owner, spec, stdin);
      mine.complete(job);
      return job;
    } catch (RuntimeException e) {
      mine.completeExceptionally(e);
      throw e;
    } finally {
      starting.remove(key, mine);
      mine.completeExceptionally(
          new JobException.Unavailable("the start failed")); // if all else did
    }
  }

  private JobStatus startNew(Owner owner, JobSpec spec, byte[] stdin) {
    Holdings.Holding holding = holdings().of(owner.name());
    holding.admit(owner.allowance());
    JobId id = JobId.random();
    JobDirectory directory = directory(id);
    String slot = cgroups.available() ? CgroupTree.newSlot() : "";
    Optional<JobCgroup> cgroup = Optional.empty();
    boolean done = false;
    try {
      directory.create();
      if (!slot.isEmpty()) {
        directory.writeSlot(slot);
      }
      cgroup =
          cgroups.create(
              slot,
              spec.limits(),
              Path.of(spec.workingDirectory().orElse(directory.work().toString())),
              config.isolate() ? 1 : 0,
              config.launcherCpu());
      if (owner.runAs().isPresent()) {
        directory.giveWorkTo(owner.runAs().get());
      }
      ActiveJob job = launch(id, owner, spec, stdin, directory, slot, cgroup);
      done = true;
      return job.status();
    } catch (IOException e) {
      throw new JobException.Unavailable("cannot make the job's files", e);
    } finally {
      if (!done) {
        holding.release();
        discard(directory, cgroup);
      }
    }
  }

  /** Starts a job that reads nothing, for an owner who may have everything. */
  public JobStatus start(String owner, JobSpec spec) {
    return start(Owner.of(owner), spec, new byte[0]);
  }

  private void checkIsolation(JobSpec spec, Optional<RunAs> runAs) {
    if (!config.isolate() && !spec.isolation().equals(Isolation.DEFAULT)) {
      throw new JobException.CannotEnforce("isolation", "the server does not run as root");
    }
    if (runAs.isPresent() && !Linux.isRoot()) {
      throw new JobException.CannotEnforce("another user", "the server does not run as root");
    }
  }

  private ActiveJob launch(
      JobId id,
      Owner owner,
      JobSpec spec,
      byte[] stdin,
      JobDirectory directory,
      String slot,
      Optional<JobCgroup> cgroup)
      throws IOException {
    Instant createdAt = config.clock().instant().truncatedTo(ChronoUnit.MICROS);
    Monitor monitor =
        Monitor.spawn(launcher, sheet(id, spec, stdin, owner.runAs(), directory, cgroup), control);
    try {
      int mainPid = awaitStarted(monitor, spec, directory);
      JobRecord record =
          new JobRecord(
              id, owner.name(), spec, createdAt, mainPid, bootId, slot, Optional.empty(), 0, 0);
      OutputLog output = openOutput(record, monitor.output().join(), monitor);
      try {
        store.insert(record);
      } catch (JobException e) {
        output.abandon();
        throw e;
      }
      ActiveJob job = new ActiveJob(record, directory, cgroup, output, Optional.of(monitor));
      tell(job.id(), () -> listener.started(job.status(), owner.runAs()));
      return adopt(job);
    } catch (IOException | RuntimeException e) {
      if (cgroup.isPresent()) {
        cgroup.get().kill();
      }
      abandon(monitor);
      throw e;
    }
  }

  private LaunchSheet sheet(
      JobId id,
      JobSpec spec,
      byte[] stdin,
      Optional<RunAs> runAs,
      JobDirectory directory,
      Optional<JobCgroup> cgroup)
      throws IOException {
    LaunchSheet sheet = new LaunchSheet();
    sheet.put("dir", directory.path());
    cgroup.ifPresent(c -> sheet.put("monitor-cgroup", c.monitor()).put("cgroup", c.job()));
    sheet.put("retain", retain(spec).bytes());
    if (config.output().onFull() == OutputLog.OnFull.BLOCK) {
      sheet.put("block", "1").put("stall-ms", config.output().stallLimit().toMillis());
    }
    sheet.put("cwd", workingDirectory(spec, directory));
    if (stdin.length > 0) {
      sheet.put("stdin", directory.writeStdin(stdin));
    }
    if (spec.mergeOutput()) {
      sheet.put("merge", "1");
    }
    if (config.isolate()) {
      isolate(sheet, directory, spec.isolation());
    }
    runAs.ifPresent(user -> sheet.put("uid", user.uid()).put("gid", user.gid()));
    spec.timeout().ifPresent(t -> sheet.put("timeout-ms", Math.max(1, t.toMillis())));
    spec.grace().ifPresent(g -> sheet.put("timeout-grace-ms", g.toMillis()));
    config.rlimits().forEach((name, value) -> sheet.put("rlimit", name + ":" + value));
    spec.command().forEach(argument -> sheet.put("arg", argument));
    environment(id, spec, directory).forEach((name, value) -> sheet.put("env", name + "=" + value));
    return sheet;
  }

  private void isolate(LaunchSheet sheet, JobDirectory directory, Isolation isolation) {
    sheet
        .put("isolate", "1")
        .put("hide", config.hide())
        .put("work", directory.work())
        .put("seccomp", "1");
    switch (isolation.network()) {
      case HOST -> {}
      case NONE -> sheet.put("network", "none");
    }
    switch (isolation.filesystem()) {
      case HOST -> {}
      case READ_ONLY -> sheet.put("read-only", "1");
    }
  }

  /** As the job sees it. */
  private String workingDirectory(JobSpec spec, JobDirectory directory) {
    return spec.workingDirectory()
        .orElse(config.isolate() ? ISOLATED_WORK : directory.work().toString());
  }

  private Map<String, String> environment(JobId id, JobSpec spec, JobDirectory directory) {
    Map<String, String> environment = new HashMap<>();
    environment.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    environment.put("HOME", workingDirectory(spec, directory));
    environment.put("LANG", "C.UTF-8");
    environment.put("JOB_ID", id.toString());
    environment.putAll(spec.environment());
    return environment;
  }

  private int awaitStarted(Monitor monitor, JobSpec spec, JobDirectory directory) {
    try {
      return monitor.started().get(config.launchPatience().toMillis(), MILLISECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof LaunchFailure failure) {
        String subject =
            switch (failure.step()) {
              case "exec" -> spec.command().getFirst();
              case "chdir" -> workingDirectory(spec, directory);
              default -> "for " + spec.command().getFirst();
            };
        if (!failure.step().equals("exec") && SHORTAGES.contains(failure.errno())) {
          throw new JobException.Unavailable(
              "the job could not be started now: "
                  + failure.step()
                  + ": "
                  + Errno.describe(failure.errno()));
        }
        throw new JobException.LaunchFailed(failure.step(), failure.errno(), subject);
      }
      throw new JobException.Unavailable("the launcher failed", e);
    } catch (TimeoutException e) {
      throw new JobException.Unavailable(
          "the launch took longer than " + config.launchPatience().toSeconds() + " s");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JobException.Unavailable("interrupted while starting the job");
    }
  }

  /** Ends a launcher whose job nobody will hear of. */
  private void abandon(Monitor monitor) {
    try {
      monitor.dismiss().get(LAUNCHER_PATIENCE.toMillis(), MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.atError().setCause(e).log("launcher.not_gone");
    } finally {
      monitor.forgetOutput();
    }
  }

  /** Removes what a failed start has made; if need be later. */
  void discard(JobDirectory directory, Optional<JobCgroup> cgroup) {
    insist(
        "job.not_discarded",
        directory.path(),
        () -> {
          if (cgroup.isPresent()) {
            cgroup.get().kill();
            cgroup.get().whenEmpty().get(LAUNCHER_PATIENCE.toMillis(), MILLISECONDS);
            cgroup.get().remove();
          }
          trash.discard(directory);
        });
  }

  // --- what must be done in the end

  /** What {@link #insist} does. May be repeated. */
  interface Action {
    void run() throws Exception;
  }

  /**
   * Does something at once or, if that fails, again and again with pauses on another thread, until
   * it succeeds, or until this process is closing and leaves it to the next. The first failure is
   * logged as {@code event}.
   */
  void insist(String event, Object about, Action action) {
    if (!isDone(action, event, about, true)) {
      workers.execute(() -> insistInBackground(event, about, action));
    }
  }

  private void insistInBackground(String event, Object about, Action action) {
    Duration pause = FIRST_PAUSE;
    do {
      try {
        Thread.sleep(pause);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
      pause = pause.multipliedBy(2).compareTo(MAX_PAUSE) < 0 ? pause.multipliedBy(2) : MAX_PAUSE;
    } while (!isDone(action, event, about, false));
    LOG.atInfo().addKeyValue("about", about).log(event + ".done_after_all");
  }

  private boolean isDone(Action action, String event, Object about, boolean first) {
    inFlight.register();
    try {
      if (!closing) {
        action.run();
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true; // closing
    } catch (Exception e) {
      LOG.atLevel(first ? Level.ERROR : Level.DEBUG)
          .addKeyValue("about", about)
          .setCause(e)
          .log(event);
      return false;
    } finally {
      inFlight.arriveAndDeregister();
    }
  }

  // --- a job's life here

  /** Takes a job into care: from now on its end is noticed. */
  ActiveJob adopt(ActiveJob job) {
    active.put(job.id(), job);
    CompletableFuture<Monitor.Ended> ended =
        job.monitor()
            .map(Monitor::ended)
            .orElseGet(() -> CompletableFuture.completedFuture(Monitor.Ended.VANISHED));
    var _ =
        ended.thenAcceptAsync(
            how -> insist("job.finish_failed", job.id(), () -> finish(job)), workers);
    job.monitor()
        .ifPresent(monitor -> {
          var _ = monitor.refused().thenAcceptAsync(call -> tellRefusal(job, call), workers);
        });
    return job;
  }

  Holdings holdings() {
    return retention.holdings();
  }

  EventLoop control() {
    return control;
  }

  ExecutorService workers() {
    return workers;
  }

  Path jobsDirectory() {
    return jobsDirectory(config.stateDirectory());
  }

  private static Path jobsDirectory(Path state) {
    return state.resolve("jobs");
  }

  /** Version 1 called it by the job's id. */
  Optional<JobCgroup> cgroupOf(JobRecord job) {
    return cgroups.find(job.slot()).or(() -> cgroups.find(job.id().toString()));
  }

  private ByteSize retain(JobSpec spec) {
    return spec.outputRetain().orElse(config.output().retain());
  }

  /** The log of a job that runs, as its launcher's page tells of it. */
  OutputLog openOutput(JobRecord job, Fd memory, Monitor monitor) throws LinuxException {
    LogPage page;
    try (memory) {
      page = LogPage.of(memory);
    }
    OutputLog output =
        OutputLog.running(
            directory(job.id()).output(),
            page,
            config.output().onFull(),
            config.output().stallLimit(),
            holdings().of(job.owner()).output(),
            monitor::look);
    monitor.onWake(output::woken);
    output.woken(); // what was said before is not said again
    return output;
  }

  /** The log of a job whose launcher is gone. */
  OutputLog openOrphanedOutput(JobRecord job) throws IOException {
    LogPage last;
    try {
      last = OutputLog.lastState(directory(job.id()).output());
    } catch (OutputLog.UnknownVersion e) {
      last = LogPage.finished(0, 0, 0); // nobody can read it
    }
    return OutputLog.running(
        directory(job.id()).output(),
        last,
        OutputLog.OnFull.OVERWRITE,
        Duration.ZERO,
        holdings().of(job.owner()).output(),
        () -> {});
  }

  JobDirectory directory(JobId id) {
    return new JobDirectory(jobsDirectory().resolve(id.toString()));
  }

  /**
   * Sees to a job's end and publishes it, and only after that lets its output end. If that fails,
   * nothing is lost: the exit record stays, and those who follow wait. A full disk may have room
   * again.
   */
  private void finish(ActiveJob job) throws IOException {
    Ending.Outcome outcome = ending.record(job);
    try {
      ending.cleanUp(job); // also when we are closing: this has begun
    } catch (IOException | JobException e) {
      insist("job.not_cleaned", job.id(), () -> ending.cleanUp(job));
    }
    job.markEnded(outcome);
    active.remove(job.id());
    holdings().of(job.owner()).release();
    job.ended().complete(job.status());
    job.output().finish(outcome.log());
    tell(job.id(), () -> listener.ended(job.status()));
    retention.ended(job.owner());
  }

  private void tellRefusal(ActiveJob job, String call) {
    if (job.takeRefusal()) {
      tell(job.id(), () -> listener.refused(job.status(), call));
    }
  }

  private void tellRemoval(JobId job, String owner, JobListener.Removal why) {
    tell(job, () -> listener.removed(job, owner, why));
  }

  private static void tell(JobId job, Runnable what) {
    try {
      what.run();
    } catch (RuntimeException e) {
      LOG.atError().addKeyValue("job", job).setCause(e).log("job.listener_failed");
    }
  }

  // --- stop, status, output

  /**
   * Ends the job's whole process tree and answers when it is gone; at the latest after the grace
   * and {@link JobsConfig#stopPatience}, with the job still stopping. A job that has ended already
   * is left as it is.
   */
  public JobStatus stop(JobId id, StopRequest request) {
    request.requireValid();
    ActiveJob job = activeOrNull(id);
    if (job == null || job.monitor().isEmpty()) {
      JobStatus status = status(id);
      if (job == null && !status.state().isFinal()) {
        killUnreachable(id);
      }
      return status;
    }
    Duration grace = request.grace().or(job.spec()::grace).orElse(Duration.ZERO);
    Signal signal = grace.isZero() ? Signal.KILL : request.signal();
    job.markStopping();
    job.monitor().get().stop(signal.number(), grace);
    try {
      if (!endsWithin(job, grace.plus(LAUNCHER_PATIENCE)) && job.cgroup().isPresent()) {
        job.cgroup().get().kill(); // whatever keeps the launcher from doing it
      }
      endsWithin(job, config.stopPatience());
    } catch (IOException e) {
      LOG.atError().addKeyValue("job", id).setCause(e).log("job.kill_failed");
    }
    return job.status();
  }

  private static boolean endsWithin(ActiveJob job, Duration patience) {
    try {
      job.ended().get(patience.toMillis(), MILLISECONDS);
      return true;
    } catch (TimeoutException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JobException.Unavailable("interrupted; the stop goes on");
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    }
  }

  /** A job that this server could not take up is killed all the same, and recorded when it can. */
  private void killUnreachable(JobId id) {
    try {
      Optional<JobCgroup> cgroup = cgroupOf(record(id));
      if (cgroup.isPresent()) {
        cgroup.get().kill();
      }
      Monitor.kill(directory(id).path());
    } catch (IOException e) {
      throw new JobException.Unavailable("the job could not be taken up by this server", e);
    }
    throw new JobException.Unavailable(
        "the job could not be taken up by this server, and was killed; its end will be recorded");
  }

  /**
   * Stops all jobs that run, each with {@code grace}, and answers when they have ended; at the
   * latest as {@link #stop} does.
   */
  public void stopAll(Duration grace) {
    recovery.awaitAll();
    List<CompletableFuture<Void>> stops = new ArrayList<>();
    for (JobId id : active.keySet()) {
      stops.add(
          CompletableFuture.runAsync(
              () -> stop(id, new StopRequest(Optional.of(grace), Signal.TERM)), workers));
    }
    for (CompletableFuture<Void> stop : stops) {
      try {
        stop.join();
      } catch (CompletionException e) {
        LOG.atError().setCause(e).log("jobs.not_stopped");
      }
    }
  }

  /**
   * Forgets an ended job and its output.
   *
   * @throws JobException.WrongState if it has not ended
   */
  public void remove(JobId id) {
    ActiveJob job = activeOrNull(id);
    JobRecord record = record(id);
    if (job != null || record.end().isEmpty()) {
      throw new JobException.WrongState("the job has not ended; stop it first");
    }
    if (!retention.forget(id, JobListener.Removal.REQUESTED)) {
      throw new JobException.Unavailable("the job is still being cleaned up; try again");
    }
  }

  /** The job, if it is in this process's care; waits for one that is being taken up. */
  private @Nullable ActiveJob activeOrNull(JobId id) {
    ActiveJob job = active.get(id);
    if (job == null) {
      recovery.await(id);
      job = active.get(id);
    }
    return job;
  }

  public JobStatus status(JobId id) {
    ActiveJob job = activeOrNull(id);
    return job != null ? job.status() : toStatus(record(id));
  }

  /** Jobs, from the newest on, a page at a time. */
  public JobPage list(JobQuery query) {
    query.requireValid();
    recovery.awaitAll();
    List<JobStatus> found = new ArrayList<>();
    Optional<JobQuery.Position> after = query.after();
    int size = Math.clamp(query.limit(), 1, LIST_BATCH); // enough, if all of them match
    while (true) {
      List<JobRecord> batch = store.list(query.owner(), after, size);
      for (JobRecord record : batch) {
        ActiveJob job = active.get(record.id());
        JobStatus status = job != null ? job.status() : toStatus(record);
        after = Optional.of(JobQuery.Position.of(status));
        if (query.matches(status)) {
          found.add(status);
          if (found.size() == query.limit()) {
            return new JobPage(found, after);
          }
        }
      }
      if (batch.size() < size) {
        return new JobPage(found, Optional.empty());
      }
      size = LIST_BATCH;
    }
  }

  /** What the job uses now, or has used in all. */
  public Usage usage(JobStatus status) {
    if (status.end().isPresent()) {
      return status.end().get().usage();
    }
    ActiveJob job = activeOrNull(status.id());
    return job == null ? Usage.NONE : job.cgroup().map(JobCgroup::usage).orElse(Usage.NONE);
  }

  /** Completes with the final status of the job; at once if it has ended. */
  public CompletableFuture<JobStatus> whenEnded(JobId id) {
    ActiveJob job = activeOrNull(id);
    return job != null
        ? job.ended().copy()
        : CompletableFuture.completedFuture(toStatus(record(id)));
  }

  /** The job's output. */
  public OutputLog output(JobId id) {
    ActiveJob job = activeOrNull(id);
    if (job != null) {
      return job.output();
    }
    JobRecord record = record(id);
    if (record.end().isEmpty()) {
      throw new JobException.Unavailable("the job could not be taken up by this server yet");
    }
    try {
      long kept = record.outputBytes() - record.outputDroppedBytes();
      return OutputLog.finished(directory(id).output(), record.outputBytes(), kept);
    } catch (OutputLog.UnknownVersion e) {
      throw new JobException.WrongState(
          "the job's output was written by an earlier version, and this one cannot read it");
    } catch (IOException e) {
      throw new JobException.Unavailable("the job's output cannot be read", e);
    }
  }

  /**
   * The newest of the job's output as text, at most {@code maxBytes} of it, with what is not UTF-8
   * replaced.
   */
  public String newestOutput(JobId id, int maxBytes) {
    try {
      return output(id).newest(maxBytes);
    } catch (IOException e) {
      throw new JobException.Unavailable("the job's output cannot be read", e);
    }
  }

  /** For how many of the jobs that run capture has been at a pipe for longer than it should. */
  public long stuckCaptures() {
    long since = System.nanoTime() / 1_000_000 - STUCK_AFTER.toMillis(); // CLOCK_MONOTONIC, both
    return active.values().stream()
        .mapToLong(job -> job.output().readingSinceMillis())
        .filter(start -> start != 0 && start < since)
        .count();
  }

  private JobRecord record(JobId id) {
    return store.find(id).orElseThrow(() -> new JobException.NoSuchJob(id.toString()));
  }

  private static JobStatus toStatus(JobRecord record) {
    return new JobStatus(
        record.id(),
        record.owner(),
        record.spec(),
        record.end().map(JobEnd::state).orElse(JobState.RUNNING),
        record.createdAt(),
        record.mainPid(),
        record.end(),
        record.outputBytes(),
        record.outputDroppedBytes());
  }

  /** Stops looking after the jobs. Those that run go on, and do not notice. Idempotent. */
  @Override
  public void close() {
    if (closing) {
      return;
    }
    closing = true;
    retention.close();
    trash.close();
    awaitInFlight();
    for (ActiveJob job : active.values()) {
      job.monitor().ifPresent(Monitor::detach);
    }
    workers.shutdownNow();
    control.close();
    store.close();
    lock.close();
  }

  /** What has begun before this sees to its end; what comes later sees that we are closing. */
  private void awaitInFlight() {
    try {
      inFlight.awaitAdvanceInterruptibly(
          inFlight.arrive(), CLOSE_PATIENCE.toMillis(), MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException e) {
      LOG.atWarn()
          .addKeyValue("under_way", inFlight.getUnarrivedParties())
          .log("jobs.close_impatient");
    }
  }
}
