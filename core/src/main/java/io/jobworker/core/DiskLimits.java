package io.jobworker.core;

import io.jobworker.base.linux.ProjectQuota;
import io.jobworker.base.units.ByteSize;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.RequestField;
import io.jobworker.core.process.LaunchPlan;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * How {@link Limit#DISK} is enforced here. A job that has it can keep files in its own directory
 * only, whose size is bounded: by the quota of a project where the file system has such, else by
 * being in memory, in which no more fits than into the job's other directories there. Thread-safe.
 */
final class DiskLimits {
  private final JobsConfig config;
  private final Path directory;
  private final boolean quota;

  /** Looks at the file system of the state directory, which must be there, as it is now. */
  DiskLimits(JobsConfig config) {
    this.config = config;
    this.directory = config.stateDirectory();
    this.quota = ProjectQuota.isEnforcedOn(directory);
  }

  /** Of these limits, for jobs that do not say, those that they can have. */
  Limits enforceable(Limits limits) {
    return config.isolate() ? limits : limits.without(Limit.DISK);
  }

  /**
   * The limits as they are enforced for a job that asked for these: of what it did not ask for, no
   * more is kept in memory than may be.
   */
  Limits fitted(Limits limits, Limits asked) {
    long most = config.scratchBytes(limits);
    OptionalLong bytes = limits.of(Limit.DISK);
    return quota || bytes.isEmpty() || asked.of(Limit.DISK).isPresent() || bytes.getAsLong() <= most
        ? limits
        : limits.with(Limit.DISK, most);
  }

  /**
   * Refuses a job that could keep more than it may.
   *
   * @throws JobException.CannotEnforce if this host cannot keep it from that
   * @throws JobException.InvalidSpec if it asks for a place of its own choice
   */
  void requireEnforceable(JobSpec spec) {
    if (spec.limits().of(Limit.DISK).isEmpty()) {
      return;
    }
    if (spec.workingDirectory().isPresent()) {
      throw new JobException.InvalidSpec(
          RequestField.WORKING_DIRECTORY,
          "a job whose disk is limited runs in its own directory, the only one that counts");
    }
    problem(spec.limits())
        .ifPresent(why -> {
          throw new JobException.CannotEnforce("a disk limit", why);
        });
  }

  /** As the launcher is told. */
  Optional<LaunchPlan.Disk> of(Limits limits) {
    OptionalLong bytes = limits.of(Limit.DISK);
    return bytes.isEmpty()
        ? Optional.empty()
        : Optional.of(new LaunchPlan.Disk(bytes.getAsLong(), !quota));
  }

  /** For people. */
  HostCheck.Finding finding() {
    return new HostCheck.Finding(
        quota && config.isolate(),
        "disk limits",
        !config.isolate()
            ? "jobs that ask for a disk limit are refused, as they are not isolated"
            : quota
                ? "can be enforced, by project quota"
                : noQuota()
                    + ": jobs that ask for a disk limit keep their files in memory, at most "
                    + config.scratch());
  }

  private Optional<String> problem(Limits limits) {
    long bytes = limits.of(Limit.DISK).orElse(0);
    long most = config.scratchBytes(limits);
    if (bytes > 0 && !config.isolate()) {
      return Optional.of("jobs are not isolated");
    }
    return quota || bytes <= most
        ? Optional.empty()
        : Optional.of(
            "%s, and %s are more than the job may keep in memory, %s"
                .formatted(noQuota(), ByteSize.of(bytes), ByteSize.of(most)));
  }

  private String noQuota() {
    return "the file system of " + directory + " enforces no project quota (prjquota, Linux 5.14)";
  }
}
