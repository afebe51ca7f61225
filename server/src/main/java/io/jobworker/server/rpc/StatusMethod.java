package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.core.Jobs;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobStatus;

/** {@code Status}: all that is known of a job, with its newest output. */
record StatusMethod(Jobs jobs) implements Unary<JobRequest, JobStatusResponse> {
  private static final int NEWEST_OUTPUT_BYTES = 4096;

  @Override
  public JobStatusResponse handle(JobRequest request) {
    JobId id = Wire.id(request.getId());
    JobStatus job = jobs.status(id);
    return Wire.statusResponse(job, jobs.newestOutput(id, NEWEST_OUTPUT_BYTES), jobs.usage(job));
  }
}
