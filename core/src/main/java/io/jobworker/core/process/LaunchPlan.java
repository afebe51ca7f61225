package io.jobworker.core.process;

import io.jobworker.base.words.OsString;
import io.jobworker.core.job.Isolation;
import io.jobworker.core.job.Isolation.Filesystem;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.RunAs;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Everything that a launcher must know about one job. This is the one place that knows the launch
 * sheet's keys on this side; {@code launcher/src/sheet.c} has the other.
 *
 * @param slot what the directory's {@code slot} says
 * @param attempt which execution of the job this is; 0 where nobody counts
 * @param durable the mark of the launch must outlive the host
 * @param cgroup where the job and its launcher are born; empty: where this process is
 * @param retainBytes how much of the output is kept
 * @param blockFor that the job waits for its readers when its log is full, and how long for those
 *     of a server that is away, zero being for ever; empty: the oldest output makes room
 * @param workingDirectory what the job asks to run in; empty: the directory of its own
 * @param stdin what it reads; empty: {@code /dev/null}
 * @param stdinStream it reads what is sent by an {@link InputChannel} instead
 * @param isolation what it sees of the machine; empty: all
 * @param grace how the time-out ends the job; empty: SIGKILL at once
 * @param rlimits by their names in the sheet, each as {@code SOFT:HARD}
 * @param environment added to a small clean base environment
 */
public record LaunchPlan(
    JobId job,
    JobDirectory directory,
    String slot,
    int attempt,
    boolean durable,
    Optional<Cgroup> cgroup,
    long retainBytes,
    Optional<Duration> blockFor,
    Optional<String> workingDirectory,
    Optional<Path> stdin,
    boolean stdinStream,
    boolean mergeOutput,
    Optional<Isolated> isolation,
    Optional<RunAs> runAs,
    Optional<Duration> timeout,
    Optional<Duration> grace,
    Map<String, String> rlimits,
    List<String> command,
    Map<String, String> environment) {

  /** The variable of a job's environment that has its id. */
  static final String JOB_ID = "JOB_ID";

  /** Where an isolated job finds its own directory. */
  private static final String ISOLATED_WORK = "/tmp/work";

  /**
   * The steps by which a launch that fails is told to have failed ({@code launcher/src/step.c}).
   */
  public static final String EXEC = "exec";

  public static final String CHDIR = "chdir";

  /** The job's cgroup, the one that its launcher is in, and where the tree of both is mounted. */
  public record Cgroup(Path job, Path launcher, Path mount) {}

  /**
   * What an isolated job sees.
   *
   * @param hide the directory that it must not see
   * @param scratchBytes how much fits into each of its directories that are in memory
   * @param disk what fits into its own directory, and that is all that it can write to; empty: as
   *     much as there is
   */
  public record Isolated(Path hide, long scratchBytes, Isolation seen, Optional<Disk> disk) {}

  /**
   * How much a job can keep in its own directory.
   *
   * @param inMemory it is kept there; else its file system has project quota
   */
  public record Disk(long bytes, boolean inMemory) {}

  public LaunchPlan {
    rlimits = Map.copyOf(rlimits);
    command = List.copyOf(command);
    environment = Map.copyOf(environment);
  }

  /** Where the job runs, as it sees it. */
  public String runsIn() {
    return workingDirectory.orElseGet(this::home);
  }

  /** The job's own directory, as it sees it. */
  private String home() {
    return isolation.isPresent() ? ISOLATED_WORK : OsString.of(directory.work());
  }

  /** As the launcher reads it. */
  LaunchSheet toSheet() {
    LaunchSheet sheet = new LaunchSheet();
    sheet.put("version", 2);
    sheet.put("dir", directory.path()).put("attempt", slot);
    if (durable) {
      sheet.flag("durable");
    }
    cgroup.ifPresent(
        leaves -> sheet.put("monitor-cgroup", leaves.launcher()).put("cgroup", leaves.job()));
    sheet.put("retain", retainBytes);
    blockFor.ifPresent(stall -> sheet.flag("block").put("stall-ms", stall.toMillis()));
    sheet.put("cwd", runsIn());
    stdin.ifPresent(file -> sheet.put("stdin", file));
    if (stdinStream) {
      sheet.flag("stdin-stream");
    }
    if (mergeOutput) {
      sheet.flag("merge");
    }
    isolation.ifPresent(seen -> isolate(sheet, seen));
    if (isolation.isPresent()) {
      cgroup.ifPresent(leaves -> sheet.put("cgroup-mount", leaves.mount()));
    }
    runAs.ifPresent(user -> sheet.put("uid", user.uid()).put("gid", user.gid()));
    timeout.ifPresent(time -> sheet.put("timeout-ms", Math.max(1, time.toMillis())));
    grace.ifPresent(time -> sheet.put("timeout-grace-ms", time.toMillis()));
    rlimits.forEach((name, value) -> sheet.put("rlimit", name + ":" + value));
    command.forEach(argument -> sheet.put("arg", argument));
    wholeEnvironment().forEach((name, value) -> sheet.put("env", name + "=" + value));
    return sheet;
  }

  /** But for USER and LOGNAME, which the launcher adds: it looks at the host's users. */
  private Map<String, String> wholeEnvironment() {
    Map<String, String> whole = new HashMap<>();
    whole.put("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    whole.put("HOME", home());
    whole.put("SHELL", "/bin/sh");
    whole.put("LANG", "C.UTF-8");
    whole.putAll(environment);
    whole.put(JOB_ID, job.toString()); // nobody else's to say
    if (attempt > 0) {
      whole.put("JOB_ATTEMPT", Integer.toString(attempt));
    }
    return whole;
  }

  private void isolate(LaunchSheet sheet, Isolated isolated) {
    sheet.flag("isolate").put("hide", isolated.hide()).put("work", directory.work());
    sheet.put("scratch", isolated.scratchBytes());
    sheet.flag("seccomp");
    switch (isolated.seen().network()) {
      case HOST -> {}
      case NONE -> sheet.put("network", "none");
    }
    isolated
        .disk()
        .ifPresent(disk -> {
          sheet.put("disk", disk.bytes());
          if (disk.inMemory()) {
            sheet.flag("disk-in-memory");
          }
        });
    if (isolated.disk().isPresent() || isolated.seen().filesystem() == Filesystem.READ_ONLY) {
      sheet.flag("read-only");
    }
  }
}
