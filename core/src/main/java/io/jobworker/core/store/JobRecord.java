package io.jobworker.core.store;

import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import java.time.Instant;
import java.util.Optional;

/**
 * What is kept of a job.
 *
 * @param bootId of the host when the job started; empty if that was not kept
 * @param slot the name of its cgroup; empty if it had none, or was started by version 1
 * @param attempt which of its executions this is; 0 where nobody counts them
 * @param settled whether the job was launched or never will be; others see it only then
 * @param stopping a stop of the job had begun
 * @param end empty while the job runs
 */
public record JobRecord(
    JobId id,
    String owner,
    JobSpec spec,
    Instant createdAt,
    int mainPid,
    String bootId,
    String slot,
    int attempt,
    boolean settled,
    boolean stopping,
    Optional<JobEnd> end,
    long outputBytes,
    long outputDroppedBytes) {

  /** What is kept before a job is launched. */
  public static JobRecord intent(
      JobId id,
      String owner,
      JobSpec spec,
      Instant createdAt,
      String bootId,
      String slot,
      int attempt) {
    return new JobRecord(
        id, owner, spec, createdAt, 0, bootId, slot, attempt, false, false, Optional.empty(), 0, 0);
  }

  /** Beyond this a spec is not held as long as its job runs. */
  private static final int SMALL_BYTES = 4 << 10;

  /** Whether its spec takes so little room that it can be held. */
  public boolean isSmall() {
    return spec.weight() <= SMALL_BYTES;
  }

  /** The same, but of a large spec only what is of no size ({@link JobSpec#inBrief}). */
  public JobRecord inBrief() {
    return isSmall() ? this : with(spec.inBrief());
  }

  private JobRecord with(JobSpec other) {
    return new JobRecord(
        id,
        owner,
        other,
        createdAt,
        mainPid,
        bootId,
        slot,
        attempt,
        settled,
        stopping,
        end,
        outputBytes,
        outputDroppedBytes);
  }

  /** The same of a job that was launched; {@code mainPid} is 0 if that is not known. */
  public JobRecord started(int mainPid) {
    return new JobRecord(
        id,
        owner,
        spec,
        createdAt,
        mainPid,
        bootId,
        slot,
        attempt,
        true,
        stopping,
        end,
        outputBytes,
        outputDroppedBytes);
  }

  /** The same of a job that has ended without a word of output. */
  public JobRecord ended(JobEnd how) {
    return new JobRecord(
        id,
        owner,
        spec,
        createdAt,
        mainPid,
        bootId,
        slot,
        attempt,
        true,
        stopping,
        Optional.of(how),
        0,
        0);
  }

  /** What is known of a job of which nothing else is. */
  public JobStatus status() {
    return new JobStatus(
        id,
        owner,
        spec,
        end.map(JobEnd::state).orElse(stopping ? JobState.STOPPING : JobState.RUNNING),
        createdAt,
        mainPid,
        end,
        outputBytes,
        outputDroppedBytes,
        "");
  }
}
