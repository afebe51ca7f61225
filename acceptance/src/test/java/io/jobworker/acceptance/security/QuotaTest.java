package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.jobworker.acceptance.RunningServer;
import io.jobworker.acceptance.RunningServer.Result;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nobody takes more than their share, and who tries does not harm others. */
@Timeout(120)
class QuotaTest {
  private final List<ManagedChannel> channels = new ArrayList<>();
  private RunningServer server;

  @BeforeEach
  void start() {
    server = RunningServer.start();
  }

  @AfterEach
  void stop() throws Exception {
    for (ManagedChannel channel : channels) {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
    server.close();
  }

  private JobWorkerGrpc.JobWorkerBlockingStub calls(String client) {
    ManagedChannel channel = server.channel(client);
    channels.add(channel);
    return JobWorkerGrpc.newBlockingStub(channel).withDeadlineAfter(60, TimeUnit.SECONDS);
  }

  private void set(String client, String... quotas) {
    List<String> arguments = new ArrayList<>(List.of("client", "set", client));
    arguments.addAll(List.of(quotas));
    server.admin(arguments.toArray(String[]::new)).succeeded();
  }

  private static JobRequest job(String id) {
    return JobRequest.newBuilder().setId(id).build();
  }

  private static JobRequest sleeper() {
    return JobRequest.newBuilder()
        .setSpec(JobSpec.newBuilder().addCommand("sleep").addCommand("1000"))
        .build();
  }

  private static void assertOver(String quota, Runnable call) throws Exception {
    try {
      call.run();
    } catch (StatusRuntimeException e) {
      assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      assertThat(e.getStatus().getDescription()).startsWith("over the quota " + quota + ": ");
      ErrorInfo info = StatusProto.fromThrowable(e).getDetails(0).unpack(ErrorInfo.class);
      assertThat(info.getReason()).isEqualTo("QUOTA_EXCEEDED");
      assertThat(info.getMetadataMap()).containsEntry("quota", quota);
      return;
    }
    throw new AssertionError("it was let through");
  }

  @Test
  void runningJobsAreBoundedAndTheRefusalSaysWhatAndHowMuch() {
    set("alice", "running-jobs=2");
    String first = server.startJob("alice", "sleep 1000");
    server.startJob("alice", "sleep 1000");
    Result refused = server.cli("alice", "start", "sleep 1000");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err().strip())
        .isEqualTo("job-worker: over the quota running-jobs: 2 of 2 are running");
    assertThat(server.anyEvent("request.denied").path("reason").asString())
        .isEqualTo("quota running-jobs");
    server.startJob("bob", "sleep 1000");
    server.cli("alice", "stop", first).succeeded();
    server.startJob("alice", "sleep 1000");
  }

  @Test
  void startsPerSecondAreBoundedAndTheRateComesBack() throws Exception {
    set("alice", "starts-per-second=3");
    var calls = calls("alice");
    assertOver(
        "starts-per-second",
        () -> {
          for (int i = 0; i < 100; i++) {
            calls.start(sleeper());
          }
        });
    await()
        .atMost(RunningServer.PATIENCE)
        .ignoreExceptions()
        .until(() -> !calls.start(sleeper()).getId().isEmpty());
  }

  @Test
  void streamsAreBoundedAndOneThatEndsMakesRoom() throws Exception {
    set("alice", "streams=2");
    String id = server.startJob("alice", "--shell", "echo up; sleep 1000");
    var first = calls("alice");
    var second = calls("alice");
    Iterator<JobLogsResponse> one = first.logs(job(id));
    Iterator<JobLogsResponse> two = second.logs(job(id));
    assertThat(one.hasNext() && two.hasNext()).isTrue();
    assertOver("streams", () -> calls("alice").logs(job(id)).next());
    assertThat(calls("bob").list(io.jobworker.api.v1.ListJobsRequest.getDefaultInstance()))
        .isNotNull();
    channels.get(0).shutdownNow();
    await()
        .atMost(RunningServer.PATIENCE)
        .ignoreExceptions()
        .until(() -> calls("alice").logs(job(id)).hasNext());
  }

  @Test
  void connectionsAreBoundedAndOneThatIsClosedMakesRoom() throws Exception {
    set("alice", "connections=2");
    String id = server.startJob("bob", "true");
    for (int i = 0; i < 2; i++) {
      var calls = calls("alice");
      assertThat(statusOf(calls, id)).isEqualTo(Status.Code.NOT_FOUND);
    }
    await()
        .atMost(RunningServer.PATIENCE) // a new connection is looked at beside its first calls
        .until(() -> statusOf(calls("alice"), id) == Status.Code.RESOURCE_EXHAUSTED);
    assertThat(statusOf(calls("bob"), id)).isEqualTo(Status.Code.OK);
    channels.get(0).shutdownNow();
    channels.get(1).shutdownNow();
    await()
        .atMost(RunningServer.PATIENCE)
        .until(() -> statusOf(calls("alice"), id) == Status.Code.NOT_FOUND);
  }

  private static Status.Code statusOf(JobWorkerGrpc.JobWorkerBlockingStub calls, String id) {
    try {
      calls.status(job(id));
      return Status.Code.OK;
    } catch (StatusRuntimeException e) {
      return e.getStatus().getCode();
    }
  }

  @Test
  void retainedOutputIsBoundedUntilJobsAreRemoved() {
    set("alice", "retained-output=1M");
    String id = server.startJob("alice", "head -c 2000000 /dev/zero");
    server.event("job.ended", id);
    assertThat(server.cli("alice", "start", "true").err())
        .startsWith("job-worker: over the quota retained-output: ")
        .contains("of 1MiB are kept; remove ended jobs");
    server.startJob("bob", "true");
    await()
        .atMost(RunningServer.PATIENCE)
        .until(() -> server.cli("alice", "rm", id).exitCode() == 0);
    server.startJob("alice", "true");
  }

  @Test
  void callsAtOnceAreBounded() throws Exception {
    set("alice", "calls=1");
    String id = server.startJob("alice", "--shell", "trap '' TERM; echo up; sleep 1000");
    assertThat(calls("alice").logs(job(id)).next().getLog().size()).isPositive();
    Process stop = server.spawnCli("alice", "stop", "--grace", "1h", id);
    server.event("job.stop_requested", id);
    var calls = calls("alice");
    assertOver("calls", () -> calls.status(job(id)));
    stop.destroy();
    await().atMost(RunningServer.PATIENCE).until(() -> statusOf(calls, id) == Status.Code.OK);
  }

  @Test
  void ceilingsOfTheClientsOwnHold() {
    set("alice", "max-pids=10");
    assertThat(server.cli("alice", "start", "--pids", "11", "true").err())
        .contains("spec.limits.pids: more than this server allows, which is 10");
    set("alice", "max-pids=default");
    assertThat(server.cli("alice", "start", "--pids", "11", "true").err())
        .doesNotContain("more than this server allows");
  }

  @Test
  void quotasAreShownAndWhatIsNoneIsRefused() {
    set("alice", "running-jobs=3", "retained-output=1G", "calls=0");
    assertThat(server.admin("client", "list").succeeded().text())
        .contains("running-jobs=3 calls=0 retained-output=1G");
    Result unknown = server.admin("client", "set", "alice", "jobs=3");
    assertThat(unknown.exitCode()).isEqualTo(1);
    assertThat(unknown.err()).startsWith("job-worker-server: 'jobs=3' is not QUOTA=VALUE");
    assertThat(server.admin("client", "set", "alice", "calls=many").err())
        .contains("calls: 'many' is not a number");
    assertThat(server.admin("client", "set", "nobody", "calls=1").err())
        .contains("there is no client named 'nobody'");
  }
}
