package io.jobworker.core;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.cgroup.JobPaths;
import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.Limits;
import io.jobworker.core.process.JobDirectory;
import io.jobworker.core.process.LaunchPlan;
import io.jobworker.core.process.LauncherChannel;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out whether jobs can be started here by starting one, with all that a job gets, that nobody
 * hears of and of which nothing is left. What a host allows is not inferred.
 */
final class Trial {
  private static final Logger LOG = LoggerFactory.getLogger(Trial.class);

  /** Where there is no such program, everything before its execution has succeeded. */
  private static final List<String> PROGRAM = List.of("true");

  /** The step at which a process becomes its job's user ({@code launcher/src/step.c}). */
  private static final String USER = "user";

  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  /** More than a trial takes. */
  private static final Duration WHOLE_TRIAL = Duration.ofMinutes(1);

  private static final long RETAIN_BYTES = 64 << 10;

  /**
   * What keeps jobs from being started.
   *
   * @param what with what to do about it
   * @param lasting whether it stays until somebody does something; it may pass otherwise
   */
  record Problem(String what, boolean lasting) {
    private static Problem lasting(String what) {
      return new Problem(what, true);
    }

    private static Problem forNow(String what) {
      return new Problem(what, false);
    }
  }

  private final JobsConfig config;
  private final StateDirectory state;
  private final CgroupTree cgroups;
  private final Launching launching;
  private final Remover remover;

  Trial(
      JobsConfig config,
      StateDirectory state,
      CgroupTree cgroups,
      EventLoop control,
      Path launcher) {
    this.config = config;
    this.state = state;
    this.cgroups = cgroups;
    this.launching = new Launching(launcher, control, config.launchPatience());
    this.remover = new Remover(state.trials(), launcher, Optional.empty());
  }

  /**
   * What may pass is no reason not to serve those who could make room.
   *
   * @throws JobException.StateRefused if what keeps jobs from being started is lasting
   */
  void requirePossible() {
    sweep();
    Optional<Problem> problem = problem();
    if (problem.isPresent()) {
      String what = problem.get().what();
      if (problem.get().lasting()) {
        throw new JobException.StateRefused("jobs cannot be started here: " + what);
      }
      LOG.atWarn().addKeyValue("problem", what).log("host.no_starts_now");
    }
  }

  /** Removes what trials have left whose servers died in them. */
  private void sweep() {
    try (var left = Files.newDirectoryStream(state.trials())) {
      for (Path path : left) {
        Optional<JobId> id = JobId.parse(String.valueOf(path.getFileName()));
        if (id.isPresent()) {
          sweep(id.get(), state.ofTrial(id.get()));
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.atWarn().addKeyValue("directory", state.trials()).setCause(e).log("trial.not_swept");
    }
  }

  private void sweep(JobId id, JobDirectory directory) {
    try {
      Instant made = Files.getLastModifiedTime(directory.path()).toInstant();
      boolean isOld = made.plus(WHOLE_TRIAL).isBefore(Instant.now());
      if (isOld && !LauncherChannel.isAlive(directory.path())) { // no check's, that goes on
        cleanUp(directory, cgroups.find(directory.slot().orElse(""), id));
      }
    } catch (IOException e) {
      LOG.atWarn().addKeyValue("directory", directory.path()).setCause(e).log("trial.not_removed");
    }
  }

  /** What keeps jobs from being started; empty: nothing. */
  Optional<Problem> problem() {
    JobId id = JobId.random();
    JobDirectory directory = state.ofTrial(id);
    String slot = CgroupTree.newSlot();
    Optional<JobCgroup> cgroup = Optional.empty();
    try {
      directory.create();
      directory.writeSlot(slot);
      cgroup =
          cgroups.create(
              slot,
              Limits.NONE,
              new JobPaths(directory.work(), Optional.empty(), Optional.empty()),
              config.isolate() ? 1 : 0,
              config.launcherCpu());
      Optional<Problem> refused = giveWork(directory);
      return refused.isPresent() ? refused : launch(plan(id, directory, slot, cgroup));
    } catch (AccessDeniedException | JobException.CannotEnforce e) {
      return Optional.of(Problem.lasting(state.path() + ": " + e.getMessage()));
    } catch (IOException | JobException e) {
      return Optional.of(Problem.forNow(state.path() + ": " + e.getMessage()));
    } finally {
      cleanUp(directory, cgroup);
    }
  }

  private Optional<Problem> giveWork(JobDirectory directory) {
    if (config.somebody().isPresent()) {
      try {
        directory.giveWorkTo(config.somebody().get());
      } catch (IOException e) {
        return Optional.of(
            Problem.lasting("a job's directory cannot be given to its user" + advice(USER)));
      }
    }
    return Optional.empty();
  }

  private Optional<Problem> launch(LaunchPlan plan) throws IOException {
    LauncherChannel launcher;
    try {
      launcher = launching.spawn(plan);
    } catch (LinuxException e) {
      return Optional.of(
          new Problem(
              "the launcher cannot be executed: " + Errno.describe(e.errno()) + advice(e.errno()),
              !Launching.isShortage(e.errno())));
    }
    try {
      var _ = launching.awaitStarted(launcher, plan);
      return Optional.empty();
    } catch (JobException.LaunchFailed e) {
      return e.step().equals(LaunchPlan.EXEC)
          ? Optional.empty()
          : Optional.of(
              Problem.lasting(e.step() + ": " + Errno.describe(e.errno()) + advice(e.step())));
    } finally {
      launching.abandon(launcher);
    }
  }

  private static String advice(int errno) {
    return errno == Errno.EACCES
        ? "; is state.directory on a file system that is mounted noexec? choose another, or remount"
        : "";
  }

  /** What to do about the steps that hosts are known to refuse. */
  private String advice(String step) {
    return switch (step) {
      case "clone" ->
          "; namespaces may not be made here: run the server outside of the container, give it"
              + " CAP_SYS_ADMIN, or set isolation.enabled = false";
      case "mount" ->
          "; in a chroot or a container, / must be a mount point (mount --bind / /) and mounts"
              + " allowed; or set isolation.enabled = false";
      case USER ->
          "; user "
              + config.somebody().map(user -> Integer.toString(user.uid())).orElse("?")
              + " is not mapped in this user namespace (/proc/self/uid_map): choose another"
              + " isolation.uid-range";
      default -> "";
    };
  }

  private LaunchPlan plan(
      JobId id, JobDirectory directory, String slot, Optional<JobCgroup> cgroup) {
    return new LaunchPlan(
        id,
        directory,
        slot,
        0,
        false,
        cgroup.map(
            leaves -> new LaunchPlan.Cgroup(leaves.job(), leaves.monitor(), cgroups.mount())),
        RETAIN_BYTES,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        false,
        false,
        config.isolate()
            ? Optional.of(
                new LaunchPlan.Isolated(
                    config.hide(),
                    config.scratchBytes(Limits.NONE),
                    Isolation.DEFAULT,
                    Optional.empty()))
            : Optional.empty(),
        config.somebody(),
        Optional.of(TIMEOUT),
        Optional.empty(),
        config.rlimits(),
        PROGRAM,
        Map.of());
  }

  private void cleanUp(JobDirectory directory, Optional<JobCgroup> cgroup) {
    try {
      if (cgroup.isPresent()) {
        cgroup.get().end(TIMEOUT);
        cgroup.get().remove(TIMEOUT);
      }
      var _ = remover.remove(directory.path());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException | RuntimeException e) {
      LOG.atWarn().addKeyValue("directory", directory.path()).setCause(e).log("trial.not_removed");
    }
  }
}
