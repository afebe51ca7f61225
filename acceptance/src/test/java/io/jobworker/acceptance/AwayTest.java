package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.Away;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What comes after a time without a server. */
@Timeout(600)
class AwayTest {
  private static final long MEBIBYTES = 192; // three times what a log keeps if it is not told

  @TempDir Path directory;

  /** The short one; {@code acceptance/torture --away 1024} is the long one. */
  @Test
  void jobsWriteAndEndWithoutAServerAndNotAByteIsLostOrDoubled() throws Exception {
    Away.run(MEBIBYTES);
  }

  @Test
  void theEndsOfMoreJobsThanThereAreDescriptorsForAreSeenToAFewAtATime() throws Exception {
    Path most = Files.writeString(directory.resolve("most"), "4096");
    String limited = "ulimit -n $(cat " + most + "); exec \"$0\" \"$@\"";
    List<String> jobs = new ArrayList<>();
    try (Gate gate = new Gate();
        ServerProcess server =
            ServerProcess.start(ServerToml.withoutQuotas(), List.of("/bin/sh", "-c", limited))) {
      ManagedChannel channel = server.certificates().channel("alice");
      JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel).withWaitForReady();
      for (int code = 0; code < 160; code++) {
        JobSpec spec =
            JobSpec.newBuilder()
                .addAllCommand(
                    List.of("/bin/sh", "-c", gate.waiting() + "; echo over; exit " + code))
                .build();
        jobs.add(calls.start(JobRequest.newBuilder().setSpec(spec).build()).getId());
      }
      server.kill();
      gate.open();
      Path directories = server.directory().resolve("state/jobs");
      await()
          .atMost(Programs.PATIENCE)
          .until(() ->
              jobs.stream().allMatch(job -> Files.exists(directories.resolve(job + "/exit"))));
      Files.writeString(most, "260");
      server.restart();
      for (int code = 0; code < jobs.size(); code++) {
        JobRequest request = JobRequest.newBuilder().setId(jobs.get(code)).build();
        assertThat(text(calls.logs(request))).isEqualTo("over\n");
        JobStatusResponse status = calls.status(request);
        assertThat(status.getReason()).isEqualTo(Reason.REASON_EXITED);
        assertThat(status.getExitCode()).isEqualTo(code);
      }
      for (String failed : List.of("recovery.job_failed", "job.finish_failed")) {
        assertThat(server.log().events(failed)).isEmpty();
      }
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  private static String text(Iterator<JobLogsResponse> messages) {
    StringBuilder text = new StringBuilder();
    messages.forEachRemaining(message -> text.append(message.getLog().toStringUtf8()));
    return text.toString();
  }
}
