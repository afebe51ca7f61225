package io.jobworker.server.rpc;

import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerImplBase;
import io.jobworker.core.Jobs;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.auth.JobUsers;
import java.util.concurrent.Executor;

/** Hands each method of the contract to the class that handles it. */
public final class JobWorkerService extends JobWorkerImplBase {
  private final StartMethod start;
  private final StopMethod stop;
  private final StatusMethod status;
  private final LogsMethod logs;

  /**
   * {@code pumps} runs log streams when there is more output; it must not be the capturing thread.
   */
  public JobWorkerService(
      Jobs jobs, JobUsers users, Audit audit, int maxMessageBytes, Executor pumps) {
    start = new StartMethod(jobs, users);
    stop = new StopMethod(jobs, audit);
    status = new StatusMethod(jobs);
    logs = new LogsMethod(jobs, audit, maxMessageBytes, pumps);
  }

  @Override
  public void start(JobRequest request, StreamObserver<JobResponse> out) {
    Unary.answer("Start", start, request, out);
  }

  @Override
  public void stop(JobRequest request, StreamObserver<JobResponse> out) {
    Unary.answer("Stop", stop, request, out);
  }

  @Override
  public void status(JobRequest request, StreamObserver<JobStatusResponse> out) {
    Unary.answer("Status", status, request, out);
  }

  @Override
  public void logs(JobRequest request, StreamObserver<JobLogsResponse> out) {
    logs.handle(request, out);
  }
}
