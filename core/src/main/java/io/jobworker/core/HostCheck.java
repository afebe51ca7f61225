package io.jobworker.core;

import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.cgroup.CgroupHost;
import io.jobworker.core.cgroup.CgroupTree;
import io.jobworker.core.cgroup.Controller;
import io.jobworker.core.job.Limits;
import io.jobworker.core.process.LauncherBinary;
import io.jobworker.core.store.JobDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

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

  /** Looks at this host now, and starts a job that nobody hears of, as such a library would. */
  public static List<Finding> inspect(JobsConfig config) {
    List<Finding> findings = new ArrayList<>(inspect());
    findings.addAll(unenforceable(config));
    Optional<String> refused = StateIdentity.problemOf(new StateDirectory(config.stateDirectory()));
    findings.add(
        new Finding(
            refused.isEmpty(),
            "state",
            refused.orElse("the database of the jobs and their directories belong together")));
    Optional<Trial.Problem> problem = tried(config);
    Optional<String> lack =
        JobDatabase.lackOfRoom(new StateDirectory(config.stateDirectory()).database());
    findings.add(
        new Finding(
            lack.isEmpty(),
            "room",
            lack.map(why -> why + "; until then no job is started")
                .orElse("running jobs can end, whoever fills the disk")));
    findings.add(
        new Finding(
            problem.isEmpty(),
            "start",
            problem
                .map(Trial.Problem::what)
                .orElse("a job was started, with all that jobs get, and ended")));
    return List.copyOf(findings);
  }

  private static List<Finding> unenforceable(JobsConfig config) {
    JobsConfig.Defaults defaults = config.defaults();
    Limits enforceable = enforceable(config, defaults.limits());
    return defaults.limits().amounts().keySet().stream()
        .filter(limit -> enforceable.of(limit).isEmpty())
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

  /** As a library would find it, which may be given less than there is. */
  private static Limits enforceable(JobsConfig config, Limits limits) {
    try (EventLoop control = EventLoop.start("control")) {
      return CgroupTree.open(config.cgroupRoot(), control).enforceable(limits);
    } catch (IOException e) {
      return Limits.NONE;
    }
  }

  private static Optional<Trial.Problem> tried(JobsConfig config) {
    StateDirectory state = new StateDirectory(config.stateDirectory());
    try (EventLoop control = EventLoop.start("control")) {
      state.create();
      CgroupTree cgroups = CgroupTree.open(config.cgroupRoot(), control);
      Path launcher = LauncherBinary.unpack(state.path());
      return new Trial(config, state, cgroups, control, launcher).problem();
    } catch (IOException e) {
      return Optional.of(
          new Trial.Problem(state.path() + " cannot be used: " + e.getMessage(), true));
    }
  }

  /** Looks at this host now. Changes nothing that lasts. */
  static List<Finding> inspect() {
    List<Finding> findings = new ArrayList<>();
    boolean root = ProcessCalls.isRoot();
    String kernel = System.getProperty("os.version");
    findings.add(new Finding(true, "kernel", kernel));
    findings.add(
        new Finding(
            root,
            "root",
            root
                ? "jobs can be given users and cgroups of their own"
                : "jobs run as the server's own user"));
    CgroupHost cgroups = CgroupHost.inspect();
    findings.add(
        new Finding(
            cgroups.mount().isPresent(),
            "cgroup v2",
            cgroups
                .mount()
                .map(mount -> "mounted on " + mount)
                .orElse("not mounted: jobs have no cgroups, and are killed by descent")));
    findings.add(
        new Finding(
            cgroups.killFile(),
            "cgroup.kill",
            cgroups.killFile()
                ? "a job's tree is killed in one step"
                : "jobs are killed by descent, one generation after another"));
    for (Controller controller : Controller.values()) {
      boolean has = cgroups.controllers().contains(controller.toString());
      findings.add(
          new Finding(
              has,
              "controller " + controller,
              has
                  ? controller.purpose() + " can be enforced"
                  : "jobs that ask for " + controller.purpose() + " are refused"));
    }
    findings.add(captures());
    return List.copyOf(findings);
  }

  /**
   * A job that holds its own pipe keeps its capture in the kernel, and its output from everybody.
   */
  private static Finding captures() {
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
