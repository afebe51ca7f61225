package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.JobException;
import io.jobworker.core.JobStatus;
import io.jobworker.core.Jobs;
import io.jobworker.server.auth.Caller;

/** {@code Start}: starts a job of the caller's. */
record StartMethod(Jobs jobs) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    if (!request.getId().isEmpty()) {
      throw new JobException.InvalidSpec("id", "the server assigns it; leave it empty");
    }
    JobStatus job =
        jobs.start(
            Caller.current().client().name(),
            Wire.spec(request.getSpec()),
            request.getSpec().getStdin().toByteArray());
    return Wire.response(job);
  }
}
