package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.Job;
import io.jobworker.core.job.JobStatus;
import io.jobworker.server.gate.CurrentCall;

/** {@code Remove}: forgets an ended job and its output. */
record RemoveMethod() implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    Job job = CurrentCall.job();
    JobStatus status = job.status();
    job.remove(CurrentCall.caller());
    return Wire.response(status);
  }
}
