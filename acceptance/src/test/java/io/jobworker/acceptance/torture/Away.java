package io.jobworker.acceptance.torture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Jobs that begin, write a lot and end while there is no server; nothing may be lost or doubled.
 */
public final class Away {
  private static final int JOBS = 2;

  private Away() {}

  /** Fails if it is not so; each job writes so much. */
  public static void run(long mebibytes) throws Exception {
    try (Gate gate = new Gate();
        ServerProcess server = ServerProcess.start()) {
      List<String> jobs = new ArrayList<>();
      for (int i = 0; i < JOBS; i++) {
        String script = gate.waiting() + "; head -c " + mebibytes + "M /dev/zero; echo end; exit 7";
        jobs.add(server.as("alice").start("--output-limit", "2G", "--shell", script));
      }
      server.kill();
      gate.open();
      for (String job : jobs) { // nobody reads what they write, and they do not wait for anybody
        Path end = server.directory().resolve("state/jobs").resolve(job).resolve("exit");
        await().atMost(Duration.ofMinutes(5)).until(() -> Files.exists(end));
      }
      server.restart();
      ManagedChannel channel = server.certificates().channel("alice");
      JobWorkerBlockingStub calls = JobWorkerGrpc.newBlockingStub(channel);
      for (String job : jobs) {
        JobRequest request = JobRequest.newBuilder().setId(job).build();
        AtomicLong next = new AtomicLong();
        calls
            .logs(request)
            .forEachRemaining(message -> {
              assertThat(message.getOffset()).isEqualTo(next.get());
              assertThat(message.getDroppedBytes()).isZero();
              next.addAndGet(message.getLog().size());
            });
        assertThat(next.get()).isEqualTo((mebibytes << 20) + 4);
        JobStatusResponse status = calls.status(request);
        assertThat(status.getReason()).isEqualTo(Reason.REASON_EXITED);
        assertThat(status.getExitCode()).isEqualTo(7);
      }
      channel.shutdownNow();
    }
  }
}
