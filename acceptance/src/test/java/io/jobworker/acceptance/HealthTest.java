package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.reflection.v1.ServiceResponse;
import io.grpc.stub.StreamObserver;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What programs that know nothing of jobs ask a service. */
@Timeout(300)
class HealthTest {
  private static final List<String> NAMES = List.of("", "jobworker.v1.JobWorker", "JobWorker");

  private static HealthCheckRequest request(String service) {
    return HealthCheckRequest.newBuilder().setService(service).build();
  }

  private static Status.Code refusal(ManagedChannel channel, String service) {
    try {
      var _ = HealthGrpc.newBlockingStub(channel).check(request(service));
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  private static void run(String... command) throws Exception {
    assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
  }

  @Test
  void clientsAreToldThatItServesAndOthersNothing() throws Exception {
    try (ServerProcess server = ServerProcess.start()) {
      ManagedChannel alice = server.certificates().channel("alice");
      for (String name : NAMES) {
        assertThat(HealthGrpc.newBlockingStub(alice).check(request(name)).getStatus())
            .as(name)
            .isEqualTo(ServingStatus.SERVING);
      }
      assertThat(refusal(alice, "another.Service")).isEqualTo(Status.Code.NOT_FOUND);
      assertThat(refusal(alice, "x".repeat(1 << 20))).isEqualTo(Status.Code.INVALID_ARGUMENT);
      alice.shutdownNow();
      server.admin("client", "disable", "bob").succeeded();
      ManagedChannel bob = server.certificates().channel("bob");
      assertThat(refusal(bob, "")).isEqualTo(Status.Code.UNAUTHENTICATED);
      bob.shutdownNow();
    }
  }

  @Test
  void whoWatchesHearsThatNoJobCanBeStartedThatOneCanAndThatTheServerCloses() throws Exception {
    assumeTrue("root".equals(System.getProperty("user.name")), "only root may mount a disk");
    Path disk = Files.createTempDirectory("job-worker-small-disk-");
    run("mount", "-t", "tmpfs", "-o", "mode=0700,size=24m", "none", disk.toString());
    try (ServerProcess server =
        ServerProcess.start(
            ServerToml.shipped().with("state.directory", disk.resolve("state").toString()))) {
      ManagedChannel alice = server.certificates().channel("alice");
      Iterator<HealthCheckResponse> seen =
          HealthGrpc.newBlockingStub(alice).watch(request("jobworker.v1.JobWorker"));
      assertThat(seen.next().getStatus()).isEqualTo(ServingStatus.SERVING);
      Path filler = disk.resolve("filler");
      String fill = "cat /dev/zero >>" + filler + " 2>/dev/null; true";
      run("sh", "-c", fill);
      Files.deleteIfExists(disk.resolve("state/reserve")); // there is room for no other
      run("sh", "-c", fill);
      assertThat(seen.next().getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
      Files.delete(filler);
      assertThat(seen.next().getStatus()).isEqualTo(ServingStatus.SERVING);
      assertThat(server.terminate()).isZero();
      assertThatThrownBy(() ->
              seen.forEachRemaining(
                  last -> assertThat(last.getStatus()).isEqualTo(ServingStatus.NOT_SERVING)))
          .isInstanceOf(StatusRuntimeException.class);
      alice.shutdownNow();
    } finally {
      run("umount", disk.toString());
      Files.delete(disk);
    }
  }

  @Test
  void itTellsWhatItsServicesAreCalledAndWhatTheirMethodsTake() throws Exception {
    try (ServerProcess server = ServerProcess.start()) {
      ManagedChannel alice = server.certificates().channel("alice");
      assertThat(
              reflected(alice, r -> r.setListServices(""))
                  .getListServicesResponse()
                  .getServiceList())
          .extracting(ServiceResponse::getName)
          .contains("jobworker.v1.JobWorker", "JobWorker", "grpc.health.v1.Health");
      for (String start : List.of("jobworker.v1.JobWorker.Start", "JobWorker.Start")) {
        assertThat(
                reflected(alice, r -> r.setFileContainingSymbol(start))
                    .getFileDescriptorResponse()
                    .getFileDescriptorProtoList())
            .as(start)
            .isNotEmpty();
      }
      alice.shutdownNow();
    }
  }

  private static ServerReflectionResponse reflected(
      ManagedChannel channel, java.util.function.Consumer<ServerReflectionRequest.Builder> question)
      throws Exception {
    CompletableFuture<ServerReflectionResponse> answer = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> questions =
        ServerReflectionGrpc.newStub(channel)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse value) {
                    answer.complete(value);
                  }

                  @Override
                  public void onError(Throwable t) {
                    answer.completeExceptionally(t);
                  }

                  @Override
                  public void onCompleted() {}
                });
    ServerReflectionRequest.Builder request = ServerReflectionRequest.newBuilder();
    question.accept(request);
    questions.onNext(request.build());
    ServerReflectionResponse answered = answer.get(1, TimeUnit.MINUTES);
    questions.onCompleted();
    return answered;
  }
}
