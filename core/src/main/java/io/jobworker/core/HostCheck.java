package io.jobworker.core;

import io.jobworker.core.cgroup.CgroupHost;
import io.jobworker.core.linux.Linux;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What the host can and cannot enforce. */
public final class HostCheck {
  private static final Map<String, String> CONTROLLERS =
      Map.of(
          "cpu", "CPU limits",
          "memory", "memory limits and OOM verdicts",
          "io", "disk I/O limits",
          "pids", "process limits");

  private HostCheck() {}

  /**
   * One thing that was looked at.
   *
   * @param consequence what follows from its being there, or from its absence
   */
  public record Finding(boolean ok, String what, String consequence) {}

  /** Looks at this host now. Changes nothing that lasts. */
  public static List<Finding> inspect() {
    List<Finding> findings = new ArrayList<>();
    boolean root = Linux.isRoot();
    String kernel = System.getProperty("os.version");
    findings.add(new Finding(true, "kernel", kernel));
    findings.add(
        new Finding(
            root,
            "root",
            root
                ? "jobs can be given users and cgroups of their own"
                : "jobs run as the server's own user"));
    boolean pidfd = Linux.hasPidfd();
    findings.add(
        new Finding(
            pidfd,
            "pidfd",
            pidfd
                ? "pidfd_open works"
                : "before Linux 5.3; launchers are watched by their sockets"));
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
    CONTROLLERS.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(entry -> {
          boolean has = cgroups.controllers().contains(entry.getKey());
          findings.add(
              new Finding(
                  has,
                  "controller " + entry.getKey(),
                  has
                      ? entry.getValue() + " can be enforced"
                      : "jobs that ask for " + entry.getValue() + " are refused"));
        });
    return List.copyOf(findings);
  }
}
