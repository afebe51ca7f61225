package io.jobworker.server.rpc;

import io.grpc.stub.StreamObserver;
import io.jobworker.api.v1.InputRequest;
import io.jobworker.api.v1.InputResponse;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobResponse;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerImplBase;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import io.jobworker.api.v1.WatchRequest;
import io.jobworker.core.Jobs;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.clients.JobUsers;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;

/** Hands each method of the contract to the class that handles it. */
public final class JobWorkerService extends JobWorkerImplBase {
  private final StartMethod start;
  private final StopMethod stop;
  private final RemoveMethod remove;
  private final StatusMethod status;
  private final LogsMethod logs;
  private final ListMethod list;
  private final WaitMethod wait;
  private final WatchMethod watch;
  private final StatsMethod stats;
  private final InputMethod input;

  /**
   * {@code timer} ticks for those who watch what jobs use, and for streams that stall; what a tick
   * sets off is done by {@code workers}, which may block.
   */
  public JobWorkerService(
      Jobs jobs,
      JobUsers users,
      Audit audit,
      LogsMethod.Settings logSettings,
      Executor workers,
      ScheduledExecutorService timer) {
    start = new StartMethod(jobs, users);
    stop = new StopMethod(audit);
    remove = new RemoveMethod();
    Measured measured = new Measured(jobs.controllers(), jobs.cgroupProblem().isEmpty());
    status = new StatusMethod(measured);
    logs = new LogsMethod(audit, logSettings, timer);
    list = new ListMethod(jobs, measured);
    wait = new WaitMethod(status, workers);
    watch = new WatchMethod(jobs, workers);
    stats = new StatsMethod(workers, timer);
    input = new InputMethod(audit);
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
  public void remove(JobRequest request, StreamObserver<JobResponse> out) {
    Unary.answer("Remove", remove, request, out);
  }

  @Override
  public void status(JobRequest request, StreamObserver<JobStatusResponse> out) {
    Unary.answer("Status", status, request, out);
  }

  @Override
  public void logs(JobRequest request, StreamObserver<JobLogsResponse> out) {
    logs.handle(request, out);
  }

  @Override
  public void list(ListJobsRequest request, StreamObserver<ListJobsResponse> out) {
    Unary.answer("List", list, request, out);
  }

  @Override
  public void wait(JobRequest request, StreamObserver<JobStatusResponse> out) {
    wait.handle(request, out);
  }

  @Override
  public void watch(WatchRequest request, StreamObserver<JobStatusResponse> out) {
    watch.handle(request, out);
  }

  @Override
  public void stats(JobRequest request, StreamObserver<JobStats> out) {
    stats.handle(request, out);
  }

  @Override
  public StreamObserver<InputRequest> input(StreamObserver<InputResponse> out) {
    return input.handle(out);
  }
}
