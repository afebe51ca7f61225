package io.jobworker.server.rpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.core.Job;
import io.jobworker.core.Registration;
import io.jobworker.server.gate.CurrentCall;
import io.jobworker.server.gate.Errors;
import java.util.concurrent.Executor;

/**
 * {@code Wait}: answers as {@code Status} does, when the job has ended. No thread waits; of a
 * client that waits no longer nothing is left.
 */
final class WaitMethod {
  private final StatusMethod status;
  private final Executor workers;

  /** {@code workers} may block. */
  WaitMethod(StatusMethod status, Executor workers) {
    this.status = status;
    this.workers = workers;
  }

  void handle(JobRequest request, StreamObserver<JobStatusResponse> out) {
    try {
      Job job = CurrentCall.job();
      Registration waiting =
          job.onEnded(() ->
              workers.execute(
                  () -> Unary.answer("Wait", (JobRequest _) -> status.of(job), request, out)));
      ((ServerCallStreamObserver<JobStatusResponse>) out).setOnCancelHandler(waiting::close);
    } catch (RuntimeException e) {
      out.onError(Errors.toStatus(e, "Wait"));
    }
  }
}
