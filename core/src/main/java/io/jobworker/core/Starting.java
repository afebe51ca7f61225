package io.jobworker.core;

import io.jobworker.base.linux.BootId;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.words.OsString;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.JobDirectory;
import io.jobworker.core.process.LaunchPlan;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

/**
 * Brings a job into being: its directory, its cgroup, its launcher, its record, in this order, so
 * that whoever finds a part of it knows what may be beside it. What fails leaves nothing.
 * Thread-safe.
 */
final class Starting {
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
  private final String bootId = BootId.current();

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
      Discarding discarding) {
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
  }

  /** The request as it is to be carried out: checked, and with the limits that hold for it. */
  StartRequest admissible(StartRequest asked) {
    JobSpec spec =
        LimitPolicy.apply(
            asked.spec(), config.defaultLimits(), asked.owner().allowance().ceilings());
    spec.requireValid(asked.stdin());
    if (!config.isolate() && !spec.isolation().equals(Isolation.DEFAULT)) {
      throw new JobException.CannotEnforce("isolation", "the server does not run as root");
    }
    if (asked.owner().runAs().isPresent() && !ProcessCalls.isRoot()) {
      throw new JobException.CannotEnforce("another user", "the server does not run as root");
    }
    return asked.withSpec(spec);
  }

  /** Starts an {@link #admissible} job, and returns when its program is executing. */
  ActiveJob start(StartRequest request) {
    Admission.Share share = admission.of(request.owner().name());
    share.admit(request.owner().allowance());
    JobId id = JobId.random();
    JobDirectory directory = state.of(id);
    String slot = cgroups.available() ? CgroupTree.newSlot() : "";
    Optional<JobCgroup> cgroup = Optional.empty();
    boolean done = false;
    try {
      directory.create();
      if (!slot.isEmpty()) {
        directory.writeSlot(slot);
      }
      cgroup = createCgroup(slot, request.spec(), directory);
      Optional<RunAs> runAs = request.owner().runAs();
      if (runAs.isPresent()) {
        directory.giveWorkTo(runAs.get());
      }
      ActiveJob job = launch(id, request, directory, slot, cgroup);
      done = true;
      return job;
    } catch (IOException e) {
      throw new JobException.Unavailable("cannot make the job's files", e);
    } finally {
      if (!done) {
        share.release();
        discarding.discard(directory, cgroup);
      }
    }
  }

  private Optional<JobCgroup> createCgroup(String slot, JobSpec spec, JobDirectory directory)
      throws IOException {
    return cgroups.create(
        slot,
        spec.limits(),
        spec.workingDirectory().map(OsString::path).orElseGet(directory::work),
        config.isolate() ? 1 : 0,
        config.launcherCpu());
  }

  private ActiveJob launch(
      JobId id,
      StartRequest request,
      JobDirectory directory,
      String slot,
      Optional<JobCgroup> cgroup)
      throws IOException {
    Instant createdAt = config.clock().instant().truncatedTo(ChronoUnit.MICROS);
    LaunchPlan plan = plan(id, request, directory, cgroup);
    LauncherChannel launcher = launching.spawn(plan);
    try {
      int mainPid = launching.awaitStarted(launcher, plan);
      JobRecord record =
          new JobRecord(
              id,
              request.owner().name(),
              request.spec(),
              createdAt,
              mainPid,
              bootId,
              slot,
              false,
              Optional.empty(),
              0,
              0);
      OutputLog output = logs.ofRunning(record, launcher, launching.patience());
      try {
        store.insert(record);
      } catch (JobException e) {
        output.abandon();
        throw e;
      }
      ActiveJob job = new ActiveJob(record, directory, cgroup, output, Optional.of(launcher));
      events.publish(new JobEvent.Started(job.status(), request.by(), request.owner().runAs()));
      active.adopt(job);
      return job;
    } catch (IOException | RuntimeException e) {
      if (cgroup.isPresent()) {
        cgroup.get().kill();
      }
      launching.abandon(launcher);
      throw e;
    }
  }

  private LaunchPlan plan(
      JobId id, StartRequest request, JobDirectory directory, Optional<JobCgroup> cgroup)
      throws IOException {
    JobSpec spec = request.spec();
    return new LaunchPlan(
        id,
        directory,
        cgroup.map(slot -> new LaunchPlan.Cgroup(slot.job(), slot.monitor())),
        logs.retainBytes(spec),
        logs.blockFor(),
        spec.workingDirectory(),
        request.stdin().length > 0
            ? Optional.of(directory.writeStdin(request.stdin()))
            : Optional.empty(),
        spec.stdinStream(),
        spec.mergeOutput(),
        config.isolate()
            ? Optional.of(new LaunchPlan.Isolated(config.hide(), spec.isolation()))
            : Optional.empty(),
        request.owner().runAs(),
        spec.timeout(),
        spec.grace(),
        config.rlimits(),
        spec.command(),
        spec.environment());
  }
}
