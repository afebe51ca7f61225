package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.Jobs;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Owner;
import io.jobworker.core.job.StartRequest;
import io.jobworker.server.access.Caller;
import io.jobworker.server.clients.JobUsers;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.InvalidField;

/** {@code Start}: starts a job of the caller's. */
record StartMethod(Jobs jobs, JobUsers users) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    if (!request.hasSpec()) { // as of a client that knows no more than the founding contract
      throw new InvalidField(
          "spec.command",
          "is missing, so there is nothing to run; the JobRequest of jobworker.v1 has the field");
    }
    if (!request.getId().isEmpty()) {
      throw new InvalidField("id", "the server assigns it; leave it empty");
    }
    Caller caller = CurrentCall.caller();
    Owner owner =
        new Owner(caller.client().name(), users.of(caller.client()), caller.quotas().allowance());
    JobSpec spec = Wire.spec(request.getSpec());
    byte[] stdin = request.getSpec().getStdin().toByteArray();
    return Wire.response(jobs.start(new StartRequest(caller, owner, spec, stdin)).status());
  }
}
