package io.jobworker.core;

import io.jobworker.base.lifecycle.Lifecycle;
import io.jobworker.base.linux.BootId;
import io.jobworker.base.linux.DescriptorReserve;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.process.InputLoop;
import io.jobworker.core.process.LauncherBinary;
import io.jobworker.core.store.ChangeStore;
import io.jobworker.core.store.HistoryStore;
import io.jobworker.core.store.JobDatabase;
import io.jobworker.core.store.JobStore;
import io.jobworker.core.store.ServiceTime;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The jobs of this host: puts the rooms together, and knows who does what. */
final class LocalJobs implements Jobs {
  private static final Logger LOG = LoggerFactory.getLogger(LocalJobs.class);

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
  private final Path launcher;
  private final Path database;
  private final JobEvents listeners;
  private final Intents intents;
  private final ActiveJobs active;
  private final Starting starting;
  private final Stopping stopping;
  private final Recovery recovery;
  private final Finding finding;

  private LocalJobs(JobsConfig config, JobEvents listeners, Lifecycle lifecycle)
      throws IOException {
    this.lifecycle = lifecycle;
    this.listeners = listeners;
    StateDirectory state = new StateDirectory(config.stateDirectory());
    state.create();
    lifecycle.add(state.lock());
    Optional<StateDirectory> aside =
        config.takeOver() == TakeOver.SET_ASIDE ? Optional.of(state.setAside()) : Optional.empty();
    database = state.database();
    JobDatabase records =
        lifecycle.add(StateIdentity.open(state, config.takeOver(), config.durable()));
    ServiceTime time = ServiceTime.of(records, BootId.current(), config.uptime());
    store = new JobStore(records, time);
    launcher = LauncherBinary.unpack(state.path());
    EventLoop control = lifecycle.add(EventLoop.start("control"));
    InputLoop inputs = lifecycle.add(InputLoop.start());
    workers = Executors.newVirtualThreadPerTaskExecutor();
    lifecycle.onClose(workers::shutdownNow);
    cgroups = CgroupTree.open(config.cgroupRoot(), control);
    Trash trash = new Trash(state.path(), launcher, cgroups.removal());
    insistence = new Insistence(inFlight, workers, lifecycle.add(reserve()));
    Discarding discarding = new Discarding(insistence, trash);
    ChangeStore kept = new ChangeStore(records);
    JobEvents events = listeners.andThen(event -> changes().on(event));
    Retention retention =
        new Retention(
            config, store, time, new HistoryStore(records), kept, state, discarding, events);
    Admission admission = retention.admission();
    JobLogs logs = new JobLogs(config.output(), state, admission);
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
    stopping =
        new Stopping(
            config.stopPatience(), state, cgroups, store, changes, inFlight, insistence, workers);
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
    finding = new Finding(store, active, recovery, stopping, retention, logs, inputs);
    if (aside.isPresent()) {
      recovery.endAllIn(aside.get());
    }
    new Trial(config, state, cgroups, control, launcher).requirePossible();
    warnOfClock(config.clock());
    recovery.begin();
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
    try (InFlight.Flight _ = starts.begin();
        InFlight.Flight _ = inFlight.begin()) {
      return repeated.once(asked, new WaysToStart(asked, starting, intents, recovery, finding));
    }
  }

  @Override
  public LocalJob find(JobId id) {
    return finding.find(id);
  }

  @Override
  public LocalJob find(JobId id, Predicate<String> reachable) {
    return finding.find(id, reachable);
  }

  @Override
  public JobPage list(JobQuery query) {
    return finding.list(query);
  }

  @Override
  public LocalChanges changes() {
    return changes;
  }

  @Override
  public void stopAll(Duration grace) {
    starts.close(CLOSE_PATIENCE); // what comes later is refused, and what has begun is stopped
    recovery.awaitAll();
    stopping.stopAll(active, grace);
  }

  @Override
  public CompletableFuture<@Nullable Void> recovered() {
    return recovery.done();
  }

  @Override
  public Optional<String> startProblem() {
    Optional<String> lack = JobDatabase.lackOfRoom(database);
    if (lack.isPresent()) {
      return lack;
    }
    try {
      listeners.requireRoom();
      return Optional.empty();
    } catch (JobException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
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
  public Optional<String> reservePorts(Set<Integer> ports) {
    return cgroups.reserve(ports, launcher);
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
