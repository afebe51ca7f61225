package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.Jobs;
import io.jobworker.core.job.JobStatus;

/** {@code Remove}: forgets an ended job and its output. */
record RemoveMethod(Jobs jobs) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    JobStatus job = jobs.status(Wire.id(request.getId()));
    jobs.remove(job.id());
    return Wire.response(job);
  }
}
