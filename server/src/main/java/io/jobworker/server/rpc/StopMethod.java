package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.JobId;
import io.jobworker.core.Jobs;
import io.jobworker.core.StopRequest;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.auth.Caller;

/** {@code Stop}: ends a job's whole process tree. */
record StopMethod(Jobs jobs, Audit audit) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    JobId id = Wire.id(request.getId());
    StopRequest stop = Wire.stop(request.getStop());
    audit.stopRequested(Caller.current(), id, stop);
    return Wire.response(jobs.stop(id, stop));
  }
}
