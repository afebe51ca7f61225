package io.jobworker.core;

import io.jobworker.base.lifecycle.Lifecycle;
import io.jobworker.base.linux.BootId;
import io.jobworker.base.linux.DescriptorReserve;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.job.StopRequest;
import io.jobworker.core.job.Usage;
import io.jobworker.core.process.InputLoop;
import io.jobworker.core.process.LauncherBinary;
import io.jobworker.core.store.ChangeStore;
import io.jobworker.core.store.HistoryStore;
import io.jobworker.core.store.JobDatabase;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import io.jobworker.core.store.ServiceTime;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The jobs of this host: puts the rooms together, and knows who does what. */
final class LocalJobs implements Jobs {
  private static final Logger LOG = LoggerFactory.getLogger(LocalJobs.class);

  /** How many jobs are looked at at a time, at most, when they are listed. */
  private static final int LIST_BATCH = 500;

  /** What the end of a job takes at once, and some. */
  private static final int RESERVED_DESCRIPTORS = 32;

  /** How far the clock may be behind the newest record before that is said. */
  private static final Duration CLOCK_TOLERANCE = Duration.ofMinutes(1);

  /** How long closing waits for what has begun: starts, and the ends of jobs. */
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(25);

  private final Lifecycle lifecycle;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final JobStore store;
  private final LocalChanges changes;
  private final CgroupTree cgroups;
  private final ExecutorService workers;
  private final InFlight inFlight = new InFlight();
  private final InFlight starts = new InFlight();
  private final Insistence insistence;
  private final RepeatedStarts repeated;
  private final Intents intents;
  private final Retention retention;
  private final JobLogs logs;
  private final InputLoop inputs;
  private final ActiveJobs active;
  private final Starting starting;
  private final Stopping stopping;
  private final Recovery recovery;

  private LocalJobs(JobsConfig config, JobEvents listeners, Lifecycle lifecycle)
      throws IOException {
    this.lifecycle = lifecycle;
    StateDirectory state = new StateDirectory(config.stateDirectory());
    state.create();
    lifecycle.add(DirectoryLock.take(state.path()));
    Optional<StateDirectory> aside =
        config.takeOver() == TakeOver.SET_ASIDE ? Optional.of(state.setAside()) : Optional.empty();
    JobDatabase database =
        lifecycle.add(StateIdentity.open(state, config.takeOver(), config.durable()));
    ServiceTime time = ServiceTime.of(database, BootId.current(), config.uptime());
    store = new JobStore(database, time);
    Path launcher = LauncherBinary.unpack(state.path());
    EventLoop control = lifecycle.add(EventLoop.start("control"));
    inputs = lifecycle.add(InputLoop.start());
    workers = Executors.newVirtualThreadPerTaskExecutor();
    lifecycle.onClose(workers::shutdownNow);
    cgroups = CgroupTree.open(config.cgroupRoot(), control);
    Trash trash = new Trash(state.path(), launcher, cgroups.removal());
    insistence = new Insistence(inFlight, workers, lifecycle.add(reserve()));
    Discarding discarding = new Discarding(insistence, trash);
    ChangeStore kept = new ChangeStore(database);
    JobEvents events = listeners.andThen(event -> changes().on(event));
    retention =
        new Retention(config, store, time, new HistoryStore(database), kept, state, trash, events);
    Admission admission = retention.admission();
    logs = new JobLogs(config.output(), state, admission);
    active =
        new ActiveJobs(
            new Ending(store, config.clock(), events), retention, events, insistence, workers);
    changes = new LocalChanges(kept, active);
    lifecycle.onClose(active::letGo);
    lifecycle.onClose(() -> inFlight.close(CLOSE_PATIENCE));
    repeated = new RepeatedStarts(store, id -> state.of(id).stdin());
    intents =
        new Intents(
            store, retention, events, insistence, workers, config.clock(), config.repeatPatience());
    starting =
        new Starting(
            config,
            state,
            cgroups,
            store,
            admission,
            new Launching(launcher, control, config.launchPatience()),
            logs,
            active,
            events,
            discarding,
            intents,
            insistence);
    stopping = new Stopping(config.stopPatience(), state, cgroups, store, changes);
    recovery =
        new Recovery(
            state,
            store,
            cgroups,
            control,
            admission,
            logs,
            active,
            insistence,
            discarding,
            intents,
            events,
            workers);
    new Trial(config, state, cgroups, control, launcher)
        .problem()
        .ifPresent(problem -> {
          throw new JobException.StateRefused("jobs cannot be started here: " + problem);
        });
    warnOfClock(config.clock());
    recovery.begin();
    if (aside.isPresent()) {
      recovery.endAllIn(aside.get());
    }
    lifecycle.add(trash).start();
    lifecycle.add(retention).start();
  }

  /** Nothing depends on it but what people read. */
  private void warnOfClock(Clock clock) {
    store
        .newestStart()
        .map(newest -> Duration.between(clock.instant(), newest))
        .filter(behind -> behind.compareTo(CLOCK_TOLERANCE) > 0)
        .ifPresent(behind ->
            LOG.atWarn().addKeyValue("seconds", behind.toSeconds()).log("host.clock_behind"));
  }

  private static DescriptorReserve reserve() {
    try {
      return DescriptorReserve.of(RESERVED_DESCRIPTORS);
    } catch (LinuxException e) {
      throw new JobException.Unavailable(
          "too few descriptors to begin with; raise the limit of open files", e);
    }
  }

  static Jobs open(JobsConfig config, List<JobListener> listeners) {
    Lifecycle lifecycle = new Lifecycle();
    try {
      return new LocalJobs(config, new JobEvents(listeners), lifecycle);
    } catch (IOException e) {
      lifecycle.closeAfter(e);
      throw new JobException.Unavailable("cannot open " + config.stateDirectory(), e);
    } catch (RuntimeException | Error e) {
      lifecycle.closeAfter(e);
      throw e;
    }
  }

  @Override
  public Job start(StartRequest asked) {
    StartRequest request = starting.admissible(asked);
    try (InFlight.Flight _ = starts.begin();
        InFlight.Flight _ = inFlight.begin()) {
      return repeated.once(request, waysOf(request));
    }
  }

  private RepeatedStarts.Ways waysOf(StartRequest request) {
    return new RepeatedStarts.Ways() {
      @Override
      public Job start() {
        return handle(starting.start(request));
      }

      @Override
      public Job find(JobId id) {
        return LocalJobs.this.find(id);
      }

      @Override
      public Job startRecorded(JobId id) {
        recovery.await(id);
        if (intents.claim(id)) {
          return handle(starting.startRecorded(id, request));
        }
        try {
          return LocalJobs.this.find(id);
        } catch (JobException.NoSuchJob e) {
          throw new JobException.Unavailable(
              "what became of an earlier start with this request id is not known yet; try again");
        }
      }
    };
  }

  @Override
  public LocalJob find(JobId id) {
    Optional<ActiveJob> job = active.find(id);
    if (job.isEmpty()) {
      recovery.await(id);
      job = active.find(id);
    }
    return job.isPresent() ? handle(job.get()) : findInStore(id);
  }

  /** What is in the store without an end may have come into care, or ended, since it was read. */
  private LocalJob findInStore(JobId id) {
    JobRecord record = record(id);
    if (record.end().isPresent()) {
      return handle(record);
    }
    Optional<ActiveJob> job = active.find(id);
    return job.isPresent() ? handle(job.get()) : handle(record(id));
  }

  private JobRecord record(JobId id) {
    return store
        .find(id)
        .filter(JobRecord::settled)
        .orElseThrow(() -> new JobException.NoSuchJob(id.toString()));
  }

  private LocalJob handle(ActiveJob job) {
    return new LocalJob(
        job.record(), Optional.of(job), stopping, retention, logs, inputs, this::find);
  }

  private LocalJob handle(JobRecord record) {
    return new LocalJob(record, Optional.empty(), stopping, retention, logs, inputs, this::find);
  }

  @Override
  public JobPage list(JobQuery query) {
    JobFilter filter = query.filter();
    filter.requireValid();
    recovery.awaitAll();
    List<JobPage.Entry> found = new ArrayList<>();
    Optional<JobQuery.Position> after = query.after();
    int size = Math.clamp(query.limit(), 1, LIST_BATCH); // enough, if all of them match
    while (true) {
      List<JobStore.Placed> batch = store.list(query.owner(), filter.naming(), after, size);
      for (JobStore.Placed placed : batch) {
        Optional<ActiveJob> job = active.find(placed.job().id());
        JobStatus status = job.map(ActiveJob::status).orElseGet(placed.job()::status);
        after = Optional.of(placed.position());
        if (filter.matches(status)) {
          found.add(new JobPage.Entry(placed.position(), status, usage(status, job)));
          if (found.size() == query.limit()) {
            return new JobPage(found, after);
          }
        }
      }
      if (batch.isEmpty()) { // a short one may lack what cannot be read
        return new JobPage(found, Optional.empty());
      }
      size = LIST_BATCH;
    }
  }

  private static Usage usage(JobStatus status, Optional<ActiveJob> job) {
    return status
        .end()
        .map(JobEnd::usage)
        .orElseGet(() -> job.map(ActiveJob::usage).orElse(Usage.NONE));
  }

  @Override
  public LocalChanges changes() {
    return changes;
  }

  @Override
  public void stopAll(Duration grace) {
    starts.close(CLOSE_PATIENCE); // what comes later is refused, and what has begun is stopped
    recovery.awaitAll();
    StopRequest request = new StopRequest(Optional.of(grace), Signal.TERM);
    List<CompletableFuture<Void>> stops = new ArrayList<>();
    for (ActiveJob job : active.all()) {
      stops.add(CompletableFuture.runAsync(() -> stopping.stop(job, request), workers));
    }
    for (CompletableFuture<Void> stop : stops) {
      try {
        stop.join();
      } catch (CompletionException e) {
        LOG.atError().setCause(e).log("jobs.not_stopped");
      }
    }
  }

  @Override
  public CompletableFuture<@Nullable Void> recovered() {
    return recovery.done();
  }

  @Override
  public Set<String> controllers() {
    return cgroups.controllers();
  }

  @Override
  public Optional<String> cgroupProblem() {
    return cgroups.available() ? Optional.empty() : Optional.of(cgroups.problem());
  }

  @Override
  public long stuckCaptures() {
    return active.stuckCaptures();
  }

  @Override
  public long unfinished() {
    return insistence.pending();
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      lifecycle.close();
    }
  }
}
