package io.jobworker.core;

import io.jobworker.base.linux.MemoryCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.linux.Uptime;
import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.ResourceLimits;
import io.jobworker.core.job.RunAs;
import io.jobworker.core.output.OutputLog.OnFull;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * How a {@link Jobs} is to be.
 *
 * @param stateDirectory where jobs and their output are kept; made with mode 0700 if it is missing
 * @param cgroupRoot the service's own directory below the cgroup v2 mount
 * @param output what is kept of the output of jobs
 * @param history how long ended jobs are kept
 * @param rlimits resource limits of every job by their names in the launch sheet, each as {@code
 *     SOFT:HARD}
 * @param isolate whether jobs get namespaces, users and a system call filter; needs root
 * @param scratch how much fits into {@code /tmp} and into {@code /dev/shm} of an isolated job,
 *     which are in memory; never more than its memory limit
 * @param hide the directory that isolated jobs must not see, with all of the service's files in it
 * @param somebody a user that jobs may run as, to find out at the start whether they can
 * @param defaults the limits of a job that does not say
 * @param launcherCpu how much CPU each launcher may use, in thousandths of one, its job's aside
 * @param durable whether what a start has promised outlives the host's crash too; it then waits for
 *     the disk
 * @param launchPatience how long a launch may take before it is given up
 * @param stopPatience how long a stop waits for the job's end, beyond the grace, before it answers
 *     that the job is stopping
 * @param repeatPatience how long a start that was recorded and not carried out waits to be asked
 *     for again
 * @param clock tells times, for people; somebody may set it
 * @param uptime tells ages: how long the host has been up
 * @param takeOver what to do about a state directory whose parts may not belong together
 */
public record JobsConfig(
    Path stateDirectory,
    String cgroupRoot,
    Output output,
    History history,
    Map<String, String> rlimits,
    boolean isolate,
    ByteSize scratch,
    Path hide,
    Optional<RunAs> somebody,
    Defaults defaults,
    int launcherCpu,
    boolean durable,
    Duration launchPatience,
    Duration stopPatience,
    Duration repeatPatience,
    Clock clock,
    Supplier<Duration> uptime,
    TakeOver takeOver) {

  /**
   * What is kept of the output of jobs.
   *
   * @param retain how much for a job that does not say
   * @param onFull what happens when a job has written more than that
   * @param total how much for all jobs together: the output of those that ended first goes first
   * @param stallLimit how long a job that waits for its readers waits for those of a server that is
   *     away; zero: for ever
   */
  public record Output(ByteSize retain, OnFull onFull, ByteSize total, Duration stallLimit) {
    public static final Output DEFAULT =
        new Output(
            ByteSize.ofMebibytes(64),
            OnFull.OVERWRITE,
            ByteSize.of(Long.MAX_VALUE),
            Duration.ofHours(1));
  }

  /**
   * How long ended jobs are kept; whatever comes first.
   *
   * @param keep how long after its end
   * @param max how many of one owner
   * @param changes how many of the changes of one owner's jobs, and a few hundred more
   * @param specs how much of what one owner's jobs were started as; small ones do not count
   */
  public record History(Duration keep, int max, int changes, ByteSize specs) {
    private static final int DEFAULT_CHANGES = 10_000;
    private static final ByteSize DEFAULT_SPECS = ByteSize.ofMebibytes(64);

    /** With as much of the rest as by default. */
    public History(Duration keep, int max) {
      this(keep, max, DEFAULT_CHANGES, DEFAULT_SPECS);
    }

    public static final History DEFAULT = new History(Duration.ofDays(7), 10_000);
  }

  /**
   * Limits of a job that does not say.
   *
   * @param unenforceable what becomes of those that this host cannot enforce
   */
  public record Defaults(Limits limits, Unenforceable unenforceable) {
    public static final Defaults NONE = new Defaults(Limits.NONE, Unenforceable.REFUSE);
  }

  /** What becomes of a limit that nobody has asked for, and for which there is no controller. */
  public enum Unenforceable {
    /** Jobs go without. */
    SKIP,
    /** There are no jobs: whatever a job asks for instead is not enforced either. */
    REFUSE
  }

  public static final String DEFAULT_CGROUP_ROOT = "job-worker";

  public JobsConfig {
    rlimits = Map.copyOf(rlimits);
    ResourceLimits.requireValid(rlimits);
  }

  /** What {@link #scratch} is for a job with these limits. */
  long scratchBytes(Limits limits) {
    return Math.min(scratch.bytes(), limits.of(Limit.MEMORY).orElse(Long.MAX_VALUE));
  }

  /** The same, but for how a state directory is taken over. */
  public JobsConfig takingOver(TakeOver how) {
    return new JobsConfig(
        stateDirectory,
        cgroupRoot,
        output,
        history,
        rlimits,
        isolate,
        scratch,
        hide,
        somebody,
        defaults,
        launcherCpu,
        durable,
        launchPatience,
        stopPatience,
        repeatPatience,
        clock,
        uptime,
        how);
  }

  /** The defaults, with state kept in {@code stateDirectory}. */
  public static JobsConfig in(Path stateDirectory) {
    return new JobsConfig(
        stateDirectory,
        DEFAULT_CGROUP_ROOT,
        Output.DEFAULT,
        History.DEFAULT,
        Map.of("core", "0:unlimited"),
        ProcessCalls.isRoot(),
        ByteSize.of(MemoryCalls.totalBytes() / 4),
        stateDirectory,
        Optional.empty(),
        Defaults.NONE,
        1000,
        false,
        Duration.ofSeconds(20),
        Duration.ofSeconds(10),
        Duration.ofMinutes(5),
        Clock.systemUTC(),
        Uptime::current,
        TakeOver.IF_WHOLE);
  }
}
