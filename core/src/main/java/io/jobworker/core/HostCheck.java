package io.jobworker.core;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.cgroup.CgroupHost;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.Controller;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.process.LauncherBinary;
import io.jobworker.core.store.JobDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/** What the host can and cannot enforce. */
public final class HostCheck {
  private static final Duration LOOK_AGAIN = Duration.ofMillis(500);

  private HostCheck() {}

  /**
   * One thing that was looked at.
   *
   * @param consequence what follows from its being there, or from its absence
   */
  public record Finding(boolean ok, String what, String consequence) {}

  /**
   * Looks at this host now, and starts a job that nobody hears of, as such a library would, which
   * may be given less than there is.
   *
   * @param ceilings what no job may exceed
   */
  public static List<Finding> inspect(JobsConfig config, Limits ceilings) {
    StateDirectory state = new StateDirectory(config.stateDirectory());
    List<Finding> findings = new ArrayList<>(ofHost());
    try (EventLoop control = EventLoop.start("control")) {
      CgroupTree cgroups = CgroupTree.open(config.cgroupRoot(), control);
      findings.addAll(ofControllers(cgroups.controllers()));
      findings.add(captures());
      findings.add(ofState(state));
      findings.add(ofRoom(state));
      Optional<Trial.Problem> problem = tried(config, state, cgroups, control);
      findings.add(ofPorts(cgroups, state));
      DiskLimits disks = new DiskLimits(config); // of a state directory that there is by now
      findings.add(disks.finding());
      UnaryOperator<Limits> enforceable = limits -> disks.enforceable(cgroups.enforceable(limits));
      findings.addAll(ceilings(ceilings, enforceable));
      findings.addAll(defaults(config.defaults(), ceilings, enforceable));
      findings.add(
          new Finding(
              problem.isEmpty(),
              "start",
              problem
                  .map(Trial.Problem::what)
                  .orElse("a job was started, with all that jobs get, and ended")));
    } catch (LinuxException e) {
      findings.add(new Finding(false, "start", Errno.describe(e.errno())));
    }
    return List.copyOf(findings);
  }

  private static Finding ofState(StateDirectory state) {
    Optional<String> refused = StateIdentity.problemOf(state);
    return new Finding(
        refused.isEmpty(),
        "state",
        refused.orElse("the database of the jobs and their directories belong together"));
  }

  private static Finding ofRoom(StateDirectory state) {
    Optional<String> lack = JobDatabase.lackOfRoom(state.database());
    return new Finding(
        lack.isEmpty(),
        "room",
        lack.map(why -> why + "; until then no job is started")
            .orElse("running jobs can end, whoever fills the disk"));
  }

  private static List<Finding> ceilings(Limits ceilings, UnaryOperator<Limits> enforceable) {
    return unenforceable(ceilings, enforceable)
        .map(limit -> new Finding(false, "ceiling " + limit, "jobs are refused"))
        .toList();
  }

  private static Stream<Limit> unenforceable(Limits limits, UnaryOperator<Limits> enforceable) {
    Limits enforced = enforceable.apply(limits);
    return limits.amounts().keySet().stream().filter(limit -> enforced.of(limit).isEmpty());
  }

  private static List<Finding> defaults(
      JobsConfig.Defaults defaults, Limits ceilings, UnaryOperator<Limits> enforceable) {
    return unenforceable(defaults.limits(), enforceable)
        .filter(limit -> ceilings.of(limit).isEmpty()) // of which more was said
        .map(limit ->
            new Finding(
                false,
                "default " + limit,
                switch (defaults.unenforceable()) {
                  case SKIP -> "jobs may take all there is; those that ask for less are refused";
                  case REFUSE -> "jobs are refused";
                }))
        .toList();
  }

  private static Optional<Trial.Problem> tried(
      JobsConfig config, StateDirectory state, CgroupTree cgroups, EventLoop control) {
    try {
      state.create();
      Path launcher = LauncherBinary.unpack(state.path());
      return new Trial(config, state, cgroups, control, launcher).problem();
    } catch (IOException e) {
      return Optional.of(
          new Trial.Problem(state.path() + " cannot be used: " + e.getMessage(), true));
    }
  }

  private static Finding ofPorts(CgroupTree cgroups, StateDirectory state) {
    Optional<String> problem;
    try {
      problem = cgroups.problemToReserve(LauncherBinary.unpack(state.path()));
    } catch (IOException e) {
      problem = Optional.of(String.valueOf(e.getMessage()));
    }
    return new Finding(
        problem.isEmpty(),
        "ports",
        problem
            .map(why ->
                "jobs on the host's network can take the server's ports while it is away ("
                    + why
                    + "), unless systemd keeps them (job-worker.socket)")
            .orElse("no job can take the server's ports, also while it is away"));
  }

  private static List<Finding> ofHost() {
    boolean root = ProcessCalls.isRoot();
    CgroupHost cgroups = CgroupHost.inspect();
    return List.of(
        new Finding(true, "kernel", System.getProperty("os.version")),
        new Finding(
            root,
            "root",
            root
                ? "jobs can be given users and cgroups of their own"
                : "jobs run as the server's own user"),
        new Finding(
            cgroups.mount().isPresent(),
            "cgroup v2",
            cgroups
                .mount()
                .map(mount -> "mounted on " + mount)
                .orElse("not mounted: jobs have no cgroups, and are killed by descent")),
        new Finding(
            cgroups.killFile(),
            "cgroup.kill",
            cgroups.killFile()
                ? "a job's tree is killed in one step"
                : "jobs are killed by descent, one generation after another"));
  }

  private static List<Finding> ofControllers(Set<String> there) {
    return Arrays.stream(Controller.values())
        .map(controller -> {
          boolean has = there.contains(controller.toString());
          return new Finding(
              has,
              "controller " + controller,
              has
                  ? controller.purpose() + " can be enforced"
                  : "jobs that ask for " + controller.purpose() + " are refused");
        })
        .toList();
  }

  /**
   * A job that holds its own pipe keeps its capture in the kernel, and its output from everybody.
   */
  static Finding captures() {
    Set<Path> waiting = capturesInTheKernel();
    if (!waiting.isEmpty()) {
      try {
        Thread.sleep(LOOK_AGAIN); // one that writes to a disk is there for a moment only
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      waiting.retainAll(capturesInTheKernel());
    }
    return new Finding(
        waiting.isEmpty(),
        "captures",
        waiting.isEmpty()
            ? "no job keeps its output from being read"
            : waiting.size()
                + " cannot read what their jobs print; each waits for its job to let go");
  }

  /** Processes in state D, by proc_pid_stat(5), that go by the name of capture. */
  private static Set<Path> capturesInTheKernel() {
    Set<Path> found = new HashSet<>();
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : processes) {
        if (isCaptureInTheKernel(process)) {
          found.add(process);
        }
      }
    } catch (IOException e) {
      // without /proc nothing is known
    }
    return found;
  }

  private static boolean isCaptureInTheKernel(Path process) {
    try {
      return Files.readString(process.resolve("stat")).contains(" (jw-capture) D ");
    } catch (IOException e) {
      return false; // it has just ended
    }
  }
}
