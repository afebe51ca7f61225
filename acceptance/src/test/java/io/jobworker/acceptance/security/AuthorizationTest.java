package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Descriptors.MethodDescriptor;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.JobWorkerOuterClass;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each client reaches its own jobs only, and cannot tell another's from none. */
@Timeout(600)
class AuthorizationTest {
  private static ServerProcess server;
  private static ManagedChannel alice;

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
    alice = server.certificates().channel("alice");
  }

  @AfterAll
  static void stop() throws Exception {
    alice.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    server.close();
  }

  /** How alice's call of {@code method} for the job is answered. */
  private static String answer(io.grpc.MethodDescriptor<JobRequest, ?> method, String id) {
    try {
      ClientCalls.blockingServerStreamingCall(
              alice, method, CallOptions.DEFAULT, JobRequest.newBuilder().setId(id).build())
          .forEachRemaining(_ -> {});
      return "OK";
    } catch (StatusRuntimeException e) {
      Metadata trailers = e.getTrailers();
      StringBuilder text = new StringBuilder(e.getStatus().getCode() + " ");
      text.append(e.getStatus().getDescription());
      if (trailers != null) {
        for (String key : trailers.keys()) {
          if (key.equals("request-id")) {
            text.append(" a request-id");
          } else if (key.endsWith("-bin")) {
            byte[] value = trailers.get(Metadata.Key.of(key, Metadata.BINARY_BYTE_MARSHALLER));
            text.append(' ')
                .append(key)
                .append('=')
                .append(new String(value, java.nio.charset.StandardCharsets.UTF_8));
          } else {
            String value = trailers.get(Metadata.Key.of(key, Metadata.ASCII_STRING_MARSHALLER));
            text.append(' ').append(key).append('=').append(value);
          }
        }
      }
      return text.toString().replace(id, "ID");
    }
  }

  /** All methods that name a job, as the service itself tells them. */
  @SuppressWarnings("unchecked") // those of which the request is a JobRequest
  private static List<io.grpc.MethodDescriptor<JobRequest, ?>> methodsOfOneJob() {
    List<io.grpc.MethodDescriptor<JobRequest, ?>> methods = new ArrayList<>();
    for (MethodDescriptor method :
        JobWorkerOuterClass.getDescriptor().findServiceByName("JobWorker").getMethods()) {
      if (method.getInputType().equals(JobRequest.getDescriptor())
          && !method.getName().equals("Start")) {
        methods.add(
            (io.grpc.MethodDescriptor<JobRequest, ?>)
                JobWorkerGrpc.getServiceDescriptor().getMethods().stream()
                    .filter(one -> method.getName().equals(one.getBareMethodName()))
                    .findFirst()
                    .orElseThrow());
      }
    }
    return methods;
  }

  @Test
  void anothersJobAnswersExactlyAsAMissingOneWhateverIsCalled() {
    String running = server.as("bob").start("sleep 1000");
    String ended = server.as("bob").start("true");
    server.log().event("job.ended", ended);
    assertThat(methodsOfOneJob()).hasSizeGreaterThanOrEqualTo(6);
    for (io.grpc.MethodDescriptor<JobRequest, ?> method : methodsOfOneJob()) {
      String missing = answer(method, UUID.randomUUID().toString());
      assertThat(missing).startsWith("NOT_FOUND no such job: ID");
      assertThat(answer(method, running)).as(method.getFullMethodName()).isEqualTo(missing);
      assertThat(answer(method, ended)).as(method.getFullMethodName()).isEqualTo(missing);
    }
    assertThat(server.as("bob").status(running).path("status").asString()).isEqualTo("running");
    server.as("bob").run("stop", running).succeeded();
  }

  @Test
  void whoeverSaysOfHimselfThatHeIsSomebodyElseIsNotBelieved() {
    String bobs = server.as("bob").start("sleep 1000");
    Metadata claims = new Metadata();
    for (String name : List.of("owner", "client", "user", "cn", "x-client-cn", "from")) {
      claims.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), "bob");
    }
    for (String name : List.of("x-forwarded-client-cert", "x-ssl-client-s-dn")) {
      claims.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), "Subject=\"CN=bob\"");
    }
    JobWorkerBlockingStub calls =
        JobWorkerGrpc.newBlockingStub(alice)
            .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(claims));
    assertThatThrownBy(() -> calls.stop(JobRequest.newBuilder().setId(bobs).build()))
        .hasMessageStartingWith("NOT_FOUND");
    JobSpec spec = JobSpec.newBuilder().addCommand("true").build();
    String own = calls.start(JobRequest.newBuilder().setSpec(spec).build()).getId();
    assertThat(calls.status(JobRequest.newBuilder().setId(own).build()).getOwner())
        .isEqualTo("alice");
    server.as("bob").run("stop", bobs).succeeded();
  }

  @Test
  void aViewerReadsAllAndChangesNothing() {
    server.addClient("vera", "--role", "viewer");
    String id = server.as("alice").start("echo hello");
    assertThat(server.as("vera").run("logs", id).succeeded().text()).isEqualTo("hello");
    assertThat(server.as("vera").run("status", id).succeeded().text()).contains("alice");
    assertThat(server.as("vera").run("stop", id).err()).contains("'viewer' may not call Stop");
    assertThat(server.as("vera").run("rm", id).err()).contains("'viewer' may not call Remove");
    assertThat(server.as("vera").run("start", "true").exitCode()).isEqualTo(1);
  }

  @Test
  void anAdminReachesAllJobs() {
    server.addClient("root", "--role", "admin");
    String id = server.as("alice").start("sleep 1000");
    assertThat(server.as("root").run("stop", id).succeeded().text()).contains("  stopped");
  }

  @Test
  void anEndpointThatIsNoneNeedsNoPermissionAndTellsNothing() {
    io.grpc.MethodDescriptor<JobRequest, ?> none =
        JobWorkerGrpc.getStatusMethod().toBuilder()
            .setFullMethodName(JobWorkerGrpc.SERVICE_NAME + "/Halt")
            .build();
    assertThat(answer(none, UUID.randomUUID().toString()))
        .startsWith(Status.Code.UNIMPLEMENTED.name());
  }
}
