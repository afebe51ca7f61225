package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.founding.JobLogsResponse;
import io.jobworker.acceptance.founding.JobRequest;
import io.jobworker.acceptance.founding.JobStatusResponse;
import io.jobworker.acceptance.founding.JobWorkerGrpc;
import io.jobworker.acceptance.support.ServerProcess;
import java.util.Iterator;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A client that was generated from the founding document's own contract works unchanged. */
@Timeout(120)
class FoundingClientTest {
  @Test
  void stopStatusAndLogsWork() throws Exception {
    try (ServerProcess server = ServerProcess.start()) {
      String id = server.as("alice").start("--shell", "echo 'h\u00e9llo'; sleep 1000");
      JobRequest request = JobRequest.newBuilder().setId(id).build();
      ManagedChannel channel = server.certificates().channel("alice");
      try {
        JobWorkerGrpc.JobWorkerBlockingStub client = JobWorkerGrpc.newBlockingStub(channel);
        Iterator<JobLogsResponse> logs = client.logs(request);
        assertThat(logs.next().getLog()).isEqualTo("h\u00e9llo\n");
        JobStatusResponse running = client.status(request);
        assertThat(running.getStatus()).isEqualTo("running");
        assertThat(running.getOutput()).isEqualTo("h\u00e9llo\n");
        assertThat(client.stop(request).getStatus()).isEqualTo("stopped");
        assertThat(logs.hasNext()).isFalse();
        assertThat(client.status(request).getId()).isEqualTo(id);
      } finally {
        channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
      }
    }
  }
}
