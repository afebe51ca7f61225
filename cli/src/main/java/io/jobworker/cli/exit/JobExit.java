package io.jobworker.cli.exit;

import com.google.protobuf.util.Durations;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.base.units.ByteSize;
import java.time.Duration;
import java.util.Optional;

/**
 * The exit code of whoever stands in for a job, as a shell would have it of the job's program, and
 * a line for people where the code alone would mislead.
 */
public record JobExit(int code, Optional<String> line) {
  /** The job ran out of its time; as timeout(1) has it. */
  public static final int TIMED_OUT = 124;

  /** The command line or the server failed, and not the job; as docker has it. */
  public static final int OURS = 125;

  private static final int SIGNALED = 128;
  private static final int OUT_OF_MEMORY = SIGNALED + 9;

  /**
   * Of a job that has ended.
   *
   * @throws IllegalArgumentException if it has not
   */
  public static JobExit of(JobStatusResponse job) {
    return switch (job.getReason()) {
      case REASON_EXITED -> new JobExit(job.getExitCode(), Optional.empty());
      case REASON_SIGNALED -> new JobExit(SIGNALED + job.getSignal(), Optional.empty());
      case REASON_STOPPED -> new JobExit(stopped(job), Optional.empty());
      case REASON_OOM_KILLED ->
          new JobExit(OUT_OF_MEMORY, Optional.of("out of memory" + limit(job)));
      case REASON_TIMED_OUT -> new JobExit(TIMED_OUT, Optional.of("timed out" + after(job)));
      case REASON_LOST ->
          new JobExit(OURS, Optional.of("nobody saw how the job ended" + detail(job)));
      case REASON_NEVER_STARTED ->
          new JobExit(OURS, Optional.of("the job was never started" + detail(job)));
      case REASON_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("the job " + job.getId() + " is " + job.getStatus());
    };
  }

  private static int stopped(JobStatusResponse job) {
    return job.hasExitCode() ? job.getExitCode() : SIGNALED + job.getSignal();
  }

  private static String limit(JobStatusResponse job) {
    long bytes = job.getSpec().getLimits().getMemoryBytes();
    return bytes > 0 ? ": the job was killed at its limit of " + ByteSize.of(bytes) : "";
  }

  private static String after(JobStatusResponse job) {
    return job.getSpec().hasTimeout()
        ? " after " + text(Duration.ofMillis(Durations.toMillis(job.getSpec().getTimeout())))
        : "";
  }

  /** As one writes it: {@code 1h30m}, {@code 200ms}. */
  private static String text(Duration time) {
    return time.toString().substring(2).toLowerCase(java.util.Locale.ROOT);
  }

  private static String detail(JobStatusResponse job) {
    return job.getDetail().isEmpty() ? "" : ": " + job.getDetail();
  }
}
