package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.core.Job;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobStatus;
import io.jobworker.server.gate.CurrentCall;
import java.io.IOException;

/** {@code Status}: all that is known of a job, with its newest output. */
record StatusMethod(Measured measured) implements Unary<JobRequest, JobStatusResponse> {
  private static final int NEWEST_OUTPUT_BYTES = 4096;

  @Override
  public JobStatusResponse handle(JobRequest request) {
    return of(CurrentCall.job());
  }

  /** What is known of the job now. */
  JobStatusResponse of(Job job) {
    JobStatus status = job.status(); // before the output, which then is at least as new
    return measured.mark(Wire.statusResponse(status, newestOutput(job), job.usage()));
  }

  private static String newestOutput(Job job) {
    try {
      return job.output().newest(NEWEST_OUTPUT_BYTES);
    } catch (IOException e) {
      throw new JobException.Unavailable("the job's output cannot be read", e);
    }
  }
}
