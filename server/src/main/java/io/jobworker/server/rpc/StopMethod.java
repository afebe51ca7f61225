package io.jobworker.server.rpc;

import io.grpc.Context;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.core.Job;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Signal;
import io.jobworker.core.job.StopRequest;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.gate.CurrentCall;

/**
 * {@code Stop}: ends a job's whole process tree. A client that does not wait for the answer any
 * more leaves nobody waiting here; the stop goes on. A signal without a grace is sent and no more.
 */
record StopMethod(Audit audit) implements Unary<JobRequest, JobResponse> {
  @Override
  public JobResponse handle(JobRequest request) {
    Job job = CurrentCall.job();
    if (Wire.isSignalAlone(request.getStop())) {
      Signal signal = Wire.signal(request.getStop());
      JobStatus status = job.signal(signal);
      audit.signalSent(CurrentCall.caller(), job.id(), signal); // what was refused was not sent
      return Wire.response(status);
    }
    StopRequest stop = Wire.stop(request.getStop());
    audit.stopRequested(CurrentCall.caller(), job.id(), stop);
    Thread waiting = Thread.currentThread();
    Context.CancellationListener gone = _ -> waiting.interrupt();
    Context.current().addListener(gone, Runnable::run);
    try {
      return Wire.response(job.stop(stop));
    } finally {
      Context.current().removeListener(gone);
    }
  }
}
