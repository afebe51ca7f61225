package io.jobworker.core;

import io.jobworker.base.linux.BootId;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.words.OsString;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.cgroup.JobPaths;
import io.jobworker.core.job.Assignment;
import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.JobDirectory;
import io.jobworker.core.process.LaunchPlan;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.store.JobDescription;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a job into being: its record, its directory, its cgroup, its launcher, in this order, so
 * that whoever finds a part of it knows what may be beside it. A start that fails leaves nothing,
 * and its program was not executed. Thread-safe.
 */
final class Starting {
  private static final Logger LOG = LoggerFactory.getLogger(Starting.class);

  private final JobsConfig config;
  private final StateDirectory state;
  private final CgroupTree cgroups;
  private final JobStore store;
  private final Admission admission;
  private final Launching launching;
  private final JobLogs logs;
  private final ActiveJobs active;
  private final JobEvents events;
  private final Discarding discarding;
  private final Intents intents;
  private final Insistence insistence;
  private final String bootId = BootId.current();
  private final DiskLimits disks;
  private final Limits defaults;

  Starting(
      JobsConfig config,
      StateDirectory state,
      CgroupTree cgroups,
      JobStore store,
      Admission admission,
      Launching launching,
      JobLogs logs,
      ActiveJobs active,
      JobEvents events,
      Discarding discarding,
      Intents intents,
      Insistence insistence) {
    this.config = config;
    this.state = state;
    this.cgroups = cgroups;
    this.store = store;
    this.admission = admission;
    this.launching = launching;
    this.logs = logs;
    this.active = active;
    this.events = events;
    this.discarding = discarding;
    this.intents = intents;
    this.insistence = insistence;
    this.disks = new DiskLimits(config);
    this.defaults = defaults(config.defaults(), cgroups, disks);
  }

  private static Limits defaults(
      JobsConfig.Defaults configured, CgroupTree cgroups, DiskLimits disks) {
    Limits enforceable = disks.enforceable(cgroups.enforceable(configured.limits()));
    if (enforceable.equals(configured.limits())
        || configured.unenforceable() == JobsConfig.Unenforceable.REFUSE) {
      return configured.limits();
    }
    LOG.atWarn()
        .addKeyValue("limits", configured.limits().amounts().keySet())
        .addKeyValue("enforced", enforceable.amounts().keySet())
        .log("host.default_limits_skipped");
    return enforceable;
  }

  /** The request as it is to be carried out: checked, and with the limits that hold for it. */
  StartRequest admissible(StartRequest asked) {
    JobSpec bounded =
        LimitPolicy.apply(asked.spec(), defaults, asked.owner().allowance().ceilings());
    JobSpec spec = bounded.withLimits(disks.fitted(bounded.limits(), asked.spec().limits()));
    spec.requireValid(asked.stdin());
    if (!config.isolate() && !spec.isolation().equals(Isolation.DEFAULT)) {
      throw new JobException.CannotEnforce("isolation", "the server does not run as root");
    }
    disks.requireEnforceable(spec);
    if (asked.owner().runAs().isPresent() && !ProcessCalls.isRoot()) {
      throw new JobException.CannotEnforce("another user", "the server does not run as root");
    }
    return asked.withSpec(spec);
  }

  /**
   * Starts an {@link #admissible} job, and returns when its program is executing, or when it may
   * have been and its end is about to tell what became of it.
   */
  ActiveJob start(StartRequest request) {
    Admission.Share share = admission.of(request.owner().name());
    share.admit(request.owner().allowance());
    JobId id = request.assignment().map(Assignment::id).orElseGet(JobId::random);
    String slot = CgroupTree.newSlot();
    JobRecord intent = intent(id, request.attempt(), slot, request);
    try {
      if (request.assignment().isPresent()) {
        requireGone(id);
      }
      requireRoom();
      store.intend(intent);
    } catch (JobException e) {
      share.release();
      throw e;
    }
    return carryOut(intent, slot, request);
  }

  /** Starts one that was claimed of the {@link Intents}: nothing but its record is left of it. */
  ActiveJob startRecorded(JobRecord earlier, StartRequest request) {
    String slot = CgroupTree.newSlot();
    JobRecord intent = intent(earlier.id(), earlier.attempt(), slot, request);
    try {
      requireGone(intent.id());
      requireRoom();
      store.intend(intent);
    } catch (JobException e) {
      intents.add(intent, "");
      throw e;
    }
    return carryOut(intent, slot, request);
  }

  /**
   * Makes sure that a job that is started now can be brought to its end, and be told of.
   *
   * @throws JobException.Unavailable if not
   */
  void requireRoom() {
    store.requireRoom();
    events.requireRoom();
  }

  /** What is yet to be removed of an earlier launch must not be taken for what this one makes. */
  private void requireGone(JobId id) {
    if (!Files.notExists(state.of(id).path(), LinkOption.NOFOLLOW_LINKS)) {
      throw new JobException.Unavailable(
          "the files of an earlier start of this job are not gone yet; try again");
    }
  }

  private JobRecord intent(JobId id, int attempt, String slot, StartRequest request) {
    return JobRecord.intent(
        id,
        request.owner().name(),
        request.spec(),
        config.clock().instant().truncatedTo(ChronoUnit.MICROS),
        bootId,
        cgroups.available() ? slot : "",
        attempt);
  }

  private ActiveJob carryOut(JobRecord intent, String slot, StartRequest request) {
    JobDirectory directory = state.of(intent.id());
    Optional<JobCgroup> cgroup = Optional.empty();
    boolean done = false;
    try {
      directory.create();
      directory.writeSlot(slot);
      directory.describe(JobDescription.of(intent));
      cgroup = createCgroup(intent.slot(), request, directory);
      Optional<RunAs> runAs = request.owner().runAs();
      if (runAs.isPresent()) {
        directory.giveWorkTo(runAs.get());
      }
      Optional<ActiveJob> job = launch(intent, slot, request, directory, cgroup);
      done = true;
      return job.orElseThrow(
          () -> new JobException.Unavailable("what became of the job is not known yet; try again"));
    } catch (IOException e) {
      throw new JobException.Unavailable("cannot make the job's files", e);
    } finally {
      if (!done) {
        discarding.discard(directory, cgroup);
        forget(intent);
      }
    }
  }

  /** Of a start that has failed, which is about to be answered so. */
  private void forget(JobRecord intent) {
    try {
      store.forgetIntent(intent.id());
      admission.of(intent.owner()).release();
    } catch (JobException e) {
      LOG.atWarn().addKeyValue("job", intent.id()).setCause(e).log("job.intent_not_forgotten");
      intents.add(intent, "");
    }
  }

  private Optional<JobCgroup> createCgroup(
      String slot, StartRequest request, JobDirectory directory) throws IOException {
    Optional<Path> asked = request.spec().workingDirectory().map(OsString::path);
    return cgroups.create(
        slot,
        request.spec().limits(),
        new JobPaths(directory.work(), asked, request.owner().runAs()),
        config.isolate() ? 1 : 0,
        config.launcherCpu());
  }

  /** Empty if the program may have been executed, and more is not known yet. */
  private Optional<ActiveJob> launch(
      JobRecord intent,
      String slot,
      StartRequest request,
      JobDirectory directory,
      Optional<JobCgroup> cgroup)
      throws IOException {
    LaunchPlan plan = plan(intent, slot, request, directory, cgroup);
    LauncherChannel launcher = launching.spawn(plan);
    JobRecord record;
    OutputLog output;
    try {
      record = intent.started(launching.awaitStarted(launcher, plan));
      output = logs.ofRunning(record, launcher, launching.patience());
    } catch (IOException | RuntimeException e) {
      boolean mayHaveExecuted = mayHaveExecuted(directory, launcher);
      end(cgroup, launcher);
      if (!mayHaveExecuted) {
        throw e;
      }
      // Whoever were told that it failed would ask for it again.
      LOG.atWarn().addKeyValue("job", intent.id()).setCause(e).log("job.launch_uncertain");
      return adoptUncertain(intent.started(0), request, directory, cgroup, launcher);
    }
    return Optional.of(
        adopt(
            new ActiveJob(record, store, directory, cgroup, output, Optional.of(launcher)),
            request));
  }

  private Optional<ActiveJob> adoptUncertain(
      JobRecord record,
      StartRequest request,
      JobDirectory directory,
      Optional<JobCgroup> cgroup,
      LauncherChannel launcher) {
    CompletableFuture<ActiveJob> adopted = new CompletableFuture<>();
    insistence.insist(
        "job.not_taken_up",
        record.id(),
        () -> {
          OutputLog output = logs.ofOrphan(record);
          adopted.complete(
              adopt(
                  new ActiveJob(record, store, directory, cgroup, output, Optional.of(launcher)),
                  request));
        });
    return adopted.isDone() ? Optional.of(adopted.join()) : Optional.empty();
  }

  private ActiveJob adopt(ActiveJob job, StartRequest request) {
    insistence.insist(
        "job.start_not_recorded",
        job.id(),
        () -> store.markStarted(job.id(), job.record().mainPid()));
    events.publish(
        new JobEvent.Started(job.status(request.spec()), request.by(), request.owner().runAs()));
    var _ = active.adopt(job);
    return job;
  }

  private void end(Optional<JobCgroup> cgroup, LauncherChannel launcher) {
    try {
      if (cgroup.isPresent()) {
        cgroup.get().kill();
      }
    } catch (IOException e) { // whoever sees to what is left of it tries again
      LOG.atWarn().setCause(e).log("job.kill_failed");
    }
    launching.abandon(launcher);
  }

  /** Afterwards it will not be, if it was not. */
  private boolean mayHaveExecuted(JobDirectory directory, LauncherChannel launcher) {
    if (launcher.hasFailed()) {
      return false;
    }
    try {
      return !directory.giveUp();
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("directory", directory.path()).setCause(e).log("job.not_given_up");
    }
    try {
      return !launching.abandon(launcher) || directory.isMarked();
    } catch (IOException e) {
      return true;
    }
  }

  private LaunchPlan plan(
      JobRecord intent,
      String slot,
      StartRequest request,
      JobDirectory directory,
      Optional<JobCgroup> cgroup)
      throws IOException {
    JobSpec spec = request.spec();
    return new LaunchPlan(
        intent.id(),
        directory,
        slot,
        intent.attempt(),
        config.durable(),
        cgroup.map(
            leaves -> new LaunchPlan.Cgroup(leaves.job(), leaves.monitor(), cgroups.mount())),
        logs.retainBytes(spec),
        logs.blockFor(),
        spec.workingDirectory(),
        request.stdin().length > 0
            ? Optional.of(directory.writeStdin(request.stdin()))
            : Optional.empty(),
        spec.stdinStream(),
        spec.mergeOutput(),
        config.isolate()
            ? Optional.of(
                new LaunchPlan.Isolated(
                    config.hide(),
                    config.scratchBytes(spec.limits()),
                    spec.isolation(),
                    disks.of(spec.limits())))
            : Optional.empty(),
        request.owner().runAs(),
        spec.timeout(),
        spec.grace(),
        config.rlimits(),
        spec.command(),
        spec.environment());
  }
}
