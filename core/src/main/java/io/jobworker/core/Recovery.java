package io.jobworker.core;

import io.jobworker.base.linux.BootId;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.Requester;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.ExitRecord;
import io.jobworker.core.process.JobDirectory;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.store.JobDescription;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import io.jobworker.core.store.JobStore.Unfinished;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes up what another process has left in the state directory, while new jobs are started
 * already: jobs that still run, jobs that ended unseen, starts that were never answered, jobs that
 * the database does not know, and remains of jobs that are of nobody. Jobs that run and are known
 * come into care without waiting for any other; ends are seen to a few at a time, for each takes
 * descriptors. One broken job keeps no other from its place.
 */
final class Recovery {
  private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  /** How long a launcher may take to go whose job is ended already. */
  private static final Duration LAUNCHER_PATIENCE = Duration.ofSeconds(2);

  /** How many ends are seen to beside each other. */
  private static final int ENDS_AT_ONCE = 32;

  private final StateDirectory state;
  private final JobStore store;
  private final CgroupTree cgroups;
  private final EventLoop control;
  private final Admission admission;
  private final JobLogs logs;
  private final ActiveJobs active;
  private final Insistence insistence;

  /** For those who hold descriptors only until an end has been seen to. */
  private final Insistence ends;

  private final Discarding discarding;
  private final Intents intents;
  private final JobEvents events;
  private final Executor workers;
  private final String bootId = BootId.current();

  /** Jobs that have not been tried yet. */
  private final ConcurrentMap<JobId, CompletableFuture<@Nullable Void>> waiting =
      new ConcurrentHashMap<>();

  private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();

  /** {@code workers} may block. */
  Recovery(
      StateDirectory state,
      JobStore store,
      CgroupTree cgroups,
      EventLoop control,
      Admission admission,
      JobLogs logs,
      ActiveJobs active,
      Insistence insistence,
      Discarding discarding,
      Intents intents,
      JobEvents events,
      Executor workers) {
    this.state = state;
    this.store = store;
    this.cgroups = cgroups;
    this.control = control;
    this.admission = admission;
    this.logs = logs;
    this.active = active;
    this.insistence = insistence;
    this.ends = insistence.atMost(ENDS_AT_ONCE);
    this.discarding = discarding;
    this.intents = intents;
    this.events = events;
    this.workers = workers;
  }

  /**
   * Finds out what there is to do, and has it done. To be called before the first new job is
   * started: what has a directory now and no record was left by another process.
   */
  void begin() throws IOException {
    List<Unfinished> unended = store.unended();
    List<Unfinished> uncleaned = store.uncleaned();
    // By directory, which is made before the job's cgroup and removed after it. Other servers on
    // this host may have cgroups under the same root; those are not ours to look at.
    Set<JobId> directories = state.withDirectory();
    for (Unfinished job : unended) {
      waiting.put(job.id(), new CompletableFuture<>());
      admission.of(job.owner()).takeOver();
    }
    long start = System.nanoTime();
    List<CompletableFuture<Void>> jobs = new ArrayList<>();
    unended.forEach(job -> jobs.add(inBackground(() -> tryOnce(job))));
    jobs.add(inBackground(() -> seeTo(store.unknownOf(directories))));
    var _ =
        all(jobs)
            .whenComplete((_, problem) ->
                LOG.atInfo()
                    .addKeyValue("jobs", unended.size())
                    .addKeyValue("millis", (System.nanoTime() - start) / 1_000_000)
                    .setCause(problem)
                    .log("recovery.done"))
            .exceptionally(_ -> null)
            .thenCompose(_ -> cleanUp(uncleaned))
            .whenComplete((_, _) -> done.complete(null));
  }

  /** Last, for nobody waits for it. */
  private CompletableFuture<Void> cleanUp(List<Unfinished> ended) {
    return all(ended.stream().map(job -> inBackground(() -> finishCleaning(job))).toList());
  }

  private CompletableFuture<Void> inBackground(Runnable task) {
    return CompletableFuture.runAsync(task, workers);
  }

  private static CompletableFuture<Void> all(List<CompletableFuture<Void>> work) {
    return CompletableFuture.allOf(work.toArray(CompletableFuture[]::new));
  }

  /**
   * Who is to see to a job from now on. Whoever's launcher cannot be looked at waits for a turn;
   * one whose launcher leaves meanwhile does not.
   */
  private Insistence of(JobId id) {
    try {
      return LauncherChannel.isAlive(state.of(id).path()) ? insistence : ends;
    } catch (IOException e) {
      return ends;
    }
  }

  /** Completes when everything has been tried once. */
  CompletableFuture<@Nullable Void> done() {
    return done.copy();
  }

  /** Waits until this job, if it is one of those to be taken up, has been tried. */
  void await(JobId id) {
    CompletableFuture<@Nullable Void> tried = waiting.get(id);
    if (tried != null) {
      tried.copy().completeOnTimeout(null, PATIENCE.toMillis(), TimeUnit.MILLISECONDS).join();
    }
  }

  /** Waits until all have been tried. */
  void awaitAll() {
    if (!waiting.isEmpty()) {
      CompletableFuture.allOf(waiting.values().toArray(CompletableFuture[]::new))
          .completeOnTimeout(null, PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
          .join();
    }
  }

  private void tryOnce(Unfinished job) {
    try {
      of(job.id())
          .insist(
              job.settled() ? "recovery.job_failed" : "recovery.not_settled",
              job.id(),
              () -> takeUp(job));
    } finally {
      CompletableFuture<@Nullable Void> tried = waiting.remove(job.id());
      if (tried != null) {
        tried.complete(null);
      }
    }
  }

  /** As it is now: a stop may have come between two attempts. */
  private void takeUp(Unfinished job) throws IOException, InterruptedException {
    Optional<JobRecord> record = store.find(job.id());
    if (record.isEmpty()) {
      admission.of(job.owner()).release(); // it cannot be read, and is left as it is
    } else if (record.get().settled()) {
      takeIntoCare(find(record.get()));
    } else {
      settle(record.get());
    }
  }

  /**
   * A Start that was never answered. If the program may have been executed, the job is one like any
   * other. If not, it will not be but by a launch anew, and that is for who asked to say.
   */
  private void settle(JobRecord intent) throws IOException, InterruptedException {
    JobDirectory directory = state.of(intent.id());
    if (!isUnexecuted(directory)) {
      adoptUnanswered(intent, find(intent));
      return;
    }
    String failure = directory.failure().map(Launching::describe).orElse("");
    LauncherChannel.kill(directory.path()); // it has executed nothing
    discarding.discardNow(directory, cgroupOf(intent));
    LOG.atInfo().addKeyValue("job", intent.id()).log("recovery.start_given_up");
    intents.add(intent, failure);
  }

  private void adoptUnanswered(JobRecord intent, ActiveJob found) throws InterruptedException {
    int mainPid = found.launcher().map(Recovery::mainPid).orElse(0);
    ActiveJob job =
        new ActiveJob(
            intent.started(mainPid),
            store,
            found.directory(),
            found.cgroup(),
            found.output(),
            found.launcher());
    try {
      store.markStarted(job.id(), mainPid);
    } catch (JobException e) {
      found.output().abandon();
      found.launcher().ifPresent(LauncherChannel::detach);
      throw e;
    }
    LOG.atInfo().addKeyValue("job", job.id()).log("recovery.start_taken_up");
    // What is kept says whose it is, and not in which call.
    events.publish(
        new JobEvent.Started(
            job.status(intent.spec()), Requester.named(job.owner()), Optional.empty()));
    takeIntoCare(job);
  }

  /** One that has ended already is seen to before this returns, unless that takes too long. */
  private void takeIntoCare(ActiveJob job) throws InterruptedException {
    CompletableFuture<Void> end = active.adopt(job);
    if (job.launcher().isEmpty()) {
      try {
        end.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException | TimeoutException e) {
        LOG.atDebug().addKeyValue("job", job.id()).setCause(e).log("recovery.end_not_seen_to");
      }
    }
  }

  /** A launcher says so as soon as it is asked; 0 if it has not. */
  private static int mainPid(LauncherChannel launcher) {
    return launcher
        .started()
        .copy()
        .completeOnTimeout(0, PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .exceptionally(_ -> 0)
        .join();
  }

  private ActiveJob find(JobRecord record) throws IOException {
    JobDirectory directory = state.of(record.id());
    Optional<LauncherChannel> launcher = attach(record);
    try {
      OutputLog output =
          launcher.isPresent()
              ? logs.ofRunning(record, launcher.get(), PATIENCE)
              : logs.ofOrphan(record);
      return new ActiveJob(record, store, directory, cgroupOf(record), output, launcher);
    } catch (LauncherChannel.OldVersion e) { // which has been told to end its job and go
      launcher.ifPresent(Recovery::awaitGone);
      return new ActiveJob(
          record, store, directory, cgroupOf(record), logs.ofOrphan(record), Optional.empty());
    } catch (IOException | RuntimeException e) {
      launcher.ifPresent(LauncherChannel::detach);
      if (launcher.isPresent() && !LauncherChannel.isAlive(directory.path())) {
        return find(record); // it left meanwhile, and its record is there
      }
      throw e;
    }
  }

  private static void awaitGone(LauncherChannel launcher) {
    launcher
        .gone()
        .copy()
        .completeOnTimeout(null, PATIENCE.toMillis(), TimeUnit.MILLISECONDS)
        .join();
  }

  private Optional<JobCgroup> cgroupOf(JobRecord job) {
    return cgroups.find(job.slot(), job.id());
  }

  private Optional<LauncherChannel> attach(JobRecord record) throws IOException {
    boolean rebooted = !record.bootId().isEmpty() && !record.bootId().equals(bootId);
    return rebooted ? Optional.empty() : attach(state.of(record.id()).path());
  }

  private Optional<LauncherChannel> attach(Path directory) throws IOException {
    return LauncherChannel.attach(directory, control);
  }

  /** A job whose end was recorded by a server that died before it had cleaned up. */
  private void finishCleaning(Unfinished job) {
    ends.insist("recovery.not_cleaned", job.id(), () -> clean(job));
  }

  private void clean(Unfinished job) throws Exception {
    JobDirectory directory = state.of(job.id());
    dismiss(directory, PATIENCE);
    Optional<JobCgroup> cgroup = cgroups.find(job.slot(), job.id());
    if (cgroup.isPresent()) {
      cgroup.get().remove(LAUNCHER_PATIENCE);
    }
    directory.removeRunningFiles();
    store.markCleaned(job.id());
  }

  /** Directories without a record, in the order in which their jobs were started. */
  private void seeTo(Set<JobId> unknown) {
    Comparator<JobId> byAge =
        Comparator.comparing(id -> described(id).map(JobRecord::createdAt).orElse(Instant.EPOCH));
    for (JobId id : unknown.stream().sorted(byAge).toList()) {
      ends.insist("recovery.not_seen_to", id, () -> seeTo(id));
    }
  }

  /** What is certainly rubbish goes; what cannot be told stays, for people to look at. */
  private void seeTo(JobId id) throws Exception {
    JobDirectory directory = state.of(id);
    if (isRubbish(directory)) {
      remove(id, directory);
      return;
    }
    Optional<JobRecord> found =
        described(id)
            .filter(job ->
                job.spec()
                    .requestId()
                    .flatMap(request -> store.findByRequest(job.owner(), request))
                    .filter(other -> !other.id().equals(id))
                    .isEmpty());
    if (found.isPresent()) {
      adopt(found.get());
    } else {
      LOG.atWarn().addKeyValue("directory", directory.path()).log("recovery.unknown");
    }
  }

  /** Whether the job was removed, or its program was certainly not executed and will not be. */
  private static boolean isRubbish(JobDirectory directory) throws IOException {
    return directory.isRemoved() || isUnexecuted(directory);
  }

  /** Whether the job's program was certainly not executed; if so, it will not be from here. */
  private static boolean isUnexecuted(JobDirectory directory) throws IOException {
    return ExitRecord.isMissing(directory.path()) && !hasOutput(directory) && directory.giveUp();
  }

  private static boolean hasOutput(JobDirectory directory) throws IOException {
    try {
      return OutputLog.lastState(directory.output()).end() > 0;
    } catch (OutputLog.UnknownVersion e) {
      return true;
    }
  }

  /** Of a Start that has failed, or of a job that was removed. */
  private void remove(JobId id, JobDirectory directory) throws Exception {
    dismiss(directory, PATIENCE);
    discarding.discard(directory, cgroups.find(directory.slot().orElse(""), id));
    LOG.atInfo().addKeyValue("job", id).log("recovery.unanswered_removed");
  }

  /**
   * What runs yet in a directory that was set aside is ended; its files stay as they are. Returns
   * when that was tried once with each.
   */
  void endAllIn(StateDirectory aside) throws IOException {
    List<CompletableFuture<Void>> tried = new ArrayList<>();
    for (JobId id : aside.withDirectory()) {
      JobDirectory directory = aside.of(id);
      tried.add(
          inBackground(() -> ends.insist("recovery.not_ended", id, () -> endAside(id, directory))));
    }
    all(tried).join();
  }

  /** The job first, which needs nobody's help; its launcher may be one that does nothing more. */
  private void endAside(JobId id, JobDirectory directory) throws Exception {
    Optional<JobCgroup> cgroup = cgroups.find(directory.slot().orElse(""), id);
    if (cgroup.isPresent()) {
      cgroup.get().kill();
    }
    try {
      dismiss(directory, LAUNCHER_PATIENCE);
    } catch (TimeoutException e) {
      LauncherChannel.kill(directory.path());
    }
    discarding.end(cgroup);
  }

  private Optional<JobRecord> described(JobId id) {
    try {
      return Optional.of(JobDescription.read(id, state.of(id).description()));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  /** A job that was started, and of which the database has no record. */
  private void adopt(JobRecord record) throws InterruptedException {
    JobRecord job = record.started(0);
    store.intend(job);
    store.markStarted(job.id(), job.mainPid());
    admission.of(job.owner()).takeOver();
    LOG.atWarn().addKeyValue("job", job.id()).log("recovery.adopted");
    try {
      takeIntoCare(find(job));
    } catch (IOException | RuntimeException e) { // it is known now, and one like any other
      of(job.id()).insistAfter(e, "recovery.job_failed", job.id(), () -> takeIntoCare(find(job)));
    }
  }

  private void dismiss(JobDirectory directory, Duration patience)
      throws IOException, InterruptedException, ExecutionException, TimeoutException {
    Optional<LauncherChannel> launcher = attach(directory.path());
    if (launcher.isPresent()) {
      launcher.get().dismiss().get(patience.toMillis(), TimeUnit.MILLISECONDS);
    }
  }
}
