package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.google.rpc.ErrorInfo;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.ClientCalls;
import io.jobworker.acceptance.founding.JobLogsResponse;
import io.jobworker.acceptance.founding.JobRequest;
import io.jobworker.acceptance.founding.JobStatusResponse;
import io.jobworker.acceptance.founding.JobWorkerGrpc;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.ServerProcess;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A client that was generated from the founding document's own contract, which has no package,
 * works unchanged; and whoever calls by that name may do and have no more than by the other.
 */
@Timeout(600)
class FoundingClientTest {
  private static ServerProcess server;
  private static ManagedChannel alice;
  private static JobWorkerGrpc.JobWorkerBlockingStub client;

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
    alice = server.certificates().channel("alice");
    client = JobWorkerGrpc.newBlockingStub(alice);
  }

  @AfterAll
  static void stop() throws Exception {
    alice.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    server.close();
  }

  private static JobRequest job(String id) {
    return JobRequest.newBuilder().setId(id).build();
  }

  /** All that a client reads until the stream ends; a message that is no text would end it. */
  private static String logs(String id) {
    StringBuilder text = new StringBuilder();
    client.logs(job(id)).forEachRemaining(message -> text.append(message.getLog()));
    return text.toString();
  }

  @Test
  void itsContractIsTheFoundingOneByTheNameThatHasNoPackage() throws IOException {
    List<String> seed = Files.readAllLines(Path.of("src/test/seed/job_worker.proto"));
    assertThat(Files.readAllLines(Path.of("src/test/protobuf/founding.proto")))
        .containsSubsequence(seed)
        .hasSize(seed.size() + 5);
    assertThat(JobWorkerGrpc.getLogsMethod().getFullMethodName()).isEqualTo("JobWorker/Logs");
  }

  @Test
  void stopStatusAndLogsWork() {
    String id = server.as("alice").start("--shell", "echo 'h\u00e9llo'; sleep 1000");
    Iterator<JobLogsResponse> logs = client.logs(job(id));
    assertThat(logs.next().getLog()).isEqualTo("h\u00e9llo\n");
    JobStatusResponse running = client.status(job(id));
    assertThat(running.getStatus()).isEqualTo("running");
    assertThat(running.getOutput()).isEqualTo("h\u00e9llo\n");
    assertThat(client.stop(job(id)).getStatus()).isEqualTo("stopped");
    assertThat(logs.hasNext()).isFalse();
    assertThat(client.status(job(id)).getId()).isEqualTo(id);
  }

  @Test
  void aStartWithWhatThatContractHasSaysWhatIsMissing() throws Exception {
    for (String id : List.of("", UUID.randomUUID().toString())) {
      StatusRuntimeException refused =
          catchThrowableOfType(StatusRuntimeException.class, () -> client.start(job(id)));
      assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(refused.getStatus().getDescription())
          .startsWith("spec.command: is missing")
          .contains("jobworker.v1")
          .doesNotContain("\n");
      ErrorInfo info = StatusProto.fromThrowable(refused).getDetails(0).unpack(ErrorInfo.class);
      assertThat(info.getMetadataMap()).containsEntry("field", "spec.command");
    }
  }

  @Test
  void brokenTextIsReplacedAndNeitherPipesNorTheOtherStreamBreakCharacters() throws IOException {
    String id;
    try (Gate gate = new Gate()) {
      List<String> parts =
          List.of(
              "printf '\\346\\227'",
              "printf '\\303' >&2",
              "printf '\\245'",
              "printf '\\274' >&2",
              "printf 'a\\377b\\346'");
      id = server.as("alice").start("--shell", String.join("; " + gate.waiting() + "; ", parts));
      for (int bytes = 2; bytes <= 5; bytes++) {
        int captured = bytes;
        await()
            .atMost(Programs.PATIENCE)
            .until(() -> server.as("alice").status(id).path("outputBytes").asInt() == captured);
        gate.tick();
      }
      server.log().event("job.ended", id);
    }
    assertThat(logs(id)).isEqualTo("\u65e5\u00fca\ufffdb\ufffd");
    assertThat(client.status(job(id)).getOutput()).isEqualTo("\u65e5\u00fca\ufffdb\ufffd");
  }

  @Test
  void aRingThatWrappedBeginsWithAWholeCharacter() {
    String line = "\u65e5\u672c\u8a9e\u306e\u51fa\u529b\u3067\u3059\n";
    String id =
        server
            .as("alice")
            .start(
                "--output-limit",
                "64K",
                "--",
                "sh",
                "-c",
                "yes " + line.strip() + " | head -n 20001");
    server.log().event("job.ended", id); // until then whoever reads may be overtaken
    String text = logs(id);
    assertThat(text.length()).isBetween(1000, 20001 * line.length() / 4);
    assertThat(line.repeat(20001)).endsWith(text);
    String newest = client.status(job(id)).getOutput();
    assertThat(newest.length()).isGreaterThan(1000);
    assertThat(text).endsWith(newest);
  }

  @Test
  void whoeverCallsByItMayDoNoMoreAndIsWrittenDownAlike() {
    String bobs = server.as("bob").start("sleep 1000");
    for (MethodDescriptor<?, ?> method : JobWorkerGrpc.getServiceDescriptor().getMethods()) {
      if (!"Start".equals(method.getBareMethodName())) {
        StatusRuntimeException refused =
            catchThrowableOfType(
                StatusRuntimeException.class,
                () ->
                    ClientCalls.blockingServerStreamingCall(
                            alice, founding(method), CallOptions.DEFAULT, job(bobs))
                        .hasNext());
        assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.NOT_FOUND);
      }
    }
    Set<String> denied =
        server.log().events("request.denied").stream()
            .filter(event -> event.path("job").asString().equals(bobs))
            .map(event -> event.path("method").asString())
            .collect(Collectors.toSet());
    assertThat(denied)
        .containsExactlyInAnyOrder(
            "jobworker.v1.JobWorker/Stop",
            "jobworker.v1.JobWorker/Status",
            "jobworker.v1.JobWorker/Logs");
    assertThat(server.as("bob").status(bobs).path("status").asString()).isEqualTo("running");
  }

  @SuppressWarnings("unchecked") // each takes a JobRequest
  private static MethodDescriptor<JobRequest, ?> founding(MethodDescriptor<?, ?> method) {
    return (MethodDescriptor<JobRequest, ?>) method;
  }

  @Test
  void theQuotaOfStartsCountsThemTogether() {
    server.addClient("hasty");
    server.admin("client", "set", "hasty", "starts-per-second=1").succeeded();
    ManagedChannel channel = server.certificates().channel("hasty");
    try {
      JobWorkerGrpc.JobWorkerBlockingStub hasty = JobWorkerGrpc.newBlockingStub(channel);
      Status.Code answer = Status.Code.INVALID_ARGUMENT;
      for (int calls = 0; calls < 50 && answer == Status.Code.INVALID_ARGUMENT; calls++) {
        answer =
            catchThrowableOfType(StatusRuntimeException.class, () -> hasty.start(job("")))
                .getStatus()
                .getCode();
      }
      assertThat(answer).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    } finally {
      channel.shutdownNow();
    }
  }
}
