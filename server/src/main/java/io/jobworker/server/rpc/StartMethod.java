package io.jobworker.server.rpc;

import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.JobException;
import io.jobworker.core.JobStatus;
import io.jobworker.core.Jobs;
import io.jobworker.server.auth.Caller;
import io.jobworker.server.auth.Client;
import io.jobworker.server.auth.JobUsers;

/** {@code Start}: starts a job of the caller's. */
record StartMethod(Jobs jobs, JobUsers users) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    if (!request.getId().isEmpty()) {
      throw new JobException.InvalidSpec("id", "the server assigns it; leave it empty");
    }
    Client client = Caller.current().client();
    JobStatus job =
        jobs.start(
            client.name(),
            Wire.spec(request.getSpec()),
            request.getSpec().getStdin().toByteArray(),
            users.of(client));
    return Wire.response(job);
  }
}
