package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.JobException;
import io.jobworker.core.JobStatus;
import io.jobworker.core.Jobs;
import io.jobworker.core.Owner;
import io.jobworker.server.auth.Caller;
import io.jobworker.server.auth.JobUsers;

/** {@code Start}: starts a job of the caller's. */
record StartMethod(Jobs jobs, JobUsers users) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    if (!request.getId().isEmpty()) {
      throw new JobException.InvalidSpec("id", "the server assigns it; leave it empty");
    }
    Caller caller = Caller.current();
    Owner owner =
        new Owner(caller.client().name(), users.of(caller.client()), caller.quotas().allowance());
    JobStatus job =
        jobs.start(owner, Wire.spec(request.getSpec()), request.getSpec().getStdin().toByteArray());
    return Wire.response(job);
  }
}
