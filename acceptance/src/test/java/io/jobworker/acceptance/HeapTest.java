package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.ListJobsResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What clients write does not fill the server's heap. */
@Order(1)
@Timeout(600)
class HeapTest {
  private static final int JOBS = 50;
  private static final int VARIABLES = 9;
  private static final String VALUE = "x".repeat(100_000);

  /** Less than the specs of all jobs together. */
  private static final List<String> SMALL_HEAP =
      List.of("env", "JOB_WORKER_JAVA_OPTS=-Xmx56m -XX:+UseSerialGC -XX:TieredStopAtLevel=1");

  private static JobSpec large() {
    JobSpec.Builder spec = JobSpec.newBuilder().addCommand("sleep").addCommand("1000");
    for (int i = 0; i < VARIABLES; i++) {
      spec.putEnv("V" + i, VALUE);
    }
    return spec.build();
  }

  private static List<JobStatusResponse> listed(JobWorkerBlockingStub calls) {
    List<JobStatusResponse> all = new ArrayList<>();
    ListJobsRequest.Builder request = ListJobsRequest.newBuilder().setPageSize(JOBS);
    do {
      ListJobsResponse page = calls.withWaitForReady().list(request.build());
      page.getJobsList().forEach(job -> all.add(job.toBuilder().clearSpec().build()));
      request.setPageToken(page.getNextPageToken());
    } while (!request.getPageToken().isEmpty());
    return all;
  }

  @Test
  void largeEnvironmentsAreOnTheDiskAndNotInTheHeap() throws Exception {
    try (ServerProcess server =
        ServerProcess.start(ServerToml.withoutQuotas().with("connections.max", 16), SMALL_HEAP)) {
      ManagedChannel channel = server.certificates().channel("alice");
      JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel);
      JobRequest start = JobRequest.newBuilder().setSpec(large()).build();
      String first = calls.start(start).getId();
      for (int i = 1; i < JOBS; i++) {
        assertThat(calls.start(start).getId()).isNotEmpty();
      }
      assertThat(listed(calls)).hasSize(JOBS);
      server.kill();
      server.restart();
      assertThat(listed(calls))
          .hasSize(JOBS)
          .allMatch(job -> job.getStatus().equals("running") && job.getPid() > 0);
      JobStatusResponse job = calls.status(JobRequest.newBuilder().setId(first).build());
      assertThat(job.getSpec().getEnvMap()).hasSize(VARIABLES).containsEntry("V0", VALUE);
      server.stopJobsOf("alice");
      assertThat(listed(calls)).allMatch(ended -> ended.getStatus().equals("stopped"));
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }
}
