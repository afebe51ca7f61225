package io.jobworker.server.rpc;

import io.grpc.Context;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.Jobs;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.StopRequest;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.gate.CurrentCaller;

/**
 * {@code Stop}: ends a job's whole process tree. A client that does not wait for the answer any
 * more leaves nobody waiting here; the stop goes on.
 */
record StopMethod(Jobs jobs, Audit audit) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    JobId id = Wire.id(request.getId());
    StopRequest stop = Wire.stop(request.getStop());
    audit.stopRequested(CurrentCaller.get(), id, stop);
    Thread waiting = Thread.currentThread();
    Context.CancellationListener gone = _ -> waiting.interrupt();
    Context.current().addListener(gone, Runnable::run);
    try {
      return Wire.response(jobs.stop(id, stop));
    } finally {
      Context.current().removeListener(gone);
    }
  }
}
