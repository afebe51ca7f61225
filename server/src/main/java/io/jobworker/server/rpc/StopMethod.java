package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.JobStatus;
import io.jobworker.core.Jobs;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.auth.Caller;

/** {@code Stop}: ends a job's whole process tree. */
record StopMethod(Jobs jobs, Audit audit) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    JobStatus job = jobs.stop(Wire.id(request.getId()), Wire.stop(request.getStop()));
    audit.jobStopped(Caller.current(), job);
    return Wire.response(job);
  }
}
