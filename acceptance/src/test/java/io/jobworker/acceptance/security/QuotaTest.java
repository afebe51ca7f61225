package io.jobworker.acceptance.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.api.v1.JobLogsResponse;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nobody takes more than their share, and who tries does not harm others. */
@Timeout(600)
class QuotaTest {
  private static final AtomicInteger COUNT = new AtomicInteger();

  private static ServerProcess server;

  private final List<ManagedChannel> channels = new ArrayList<>();
  private final String client = "greedy-" + COUNT.incrementAndGet(); // each test has its own

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void add() {
    server.addClient(client);
  }

  @AfterEach
  void disconnect() throws Exception {
    for (ManagedChannel channel : channels) {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
  }

  private JobWorkerGrpc.JobWorkerBlockingStub calls(String name) {
    ManagedChannel channel = server.certificates().channel(name);
    channels.add(channel);
    return JobWorkerGrpc.newBlockingStub(channel)
        .withDeadlineAfter(10, TimeUnit.MINUTES); // for all its calls
  }

  private void set(String... quotas) {
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
    set("running-jobs=2");
    String first = server.as(client).start("sleep 1000");
    server.as(client).start("sleep 1000");
    Result refused = server.as(client).run("start", "sleep 1000");
    assertThat(refused.exitCode()).isEqualTo(1);
    assertThat(refused.err().strip())
        .isEqualTo("job-worker: over the quota running-jobs: 2 of 2 are running");
    assertThat(server.log().event("request.denied", "client", client).path("reason").asString())
        .isEqualTo("quota running-jobs");
    server.as("bob").start("sleep 1000");
    server.as(client).run("stop", first).succeeded();
    server.as(client).start("sleep 1000");
  }

  @Test
  void startsPerSecondAreBoundedAndTheRateComesBack() throws Exception {
    set("starts-per-second=1"); // what is no job is refused faster on any machine
    var calls = calls(client);
    assertOver(
        "starts-per-second",
        () -> {
          for (int i = 0; i < 100; i++) {
            startNothing(calls);
          }
        });
    await()
        .atMost(Programs.PATIENCE)
        .ignoreExceptions()
        .until(() -> !calls.start(sleeper()).getId().isEmpty());
  }

  /** Throws only if not even this may be asked for. */
  private static void startNothing(JobWorkerGrpc.JobWorkerBlockingStub calls) {
    try {
      calls.start(job(""));
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() != Status.Code.INVALID_ARGUMENT) {
        throw e;
      }
    }
  }

  @Test
  void streamsAreBoundedAndOneThatEndsMakesRoom() throws Exception {
    set("streams=2");
    String id = server.as(client).start("--shell", "echo up; sleep 1000");
    var first = calls(client);
    var second = calls(client);
    Iterator<JobLogsResponse> one = first.logs(job(id));
    Iterator<JobLogsResponse> two = second.logs(job(id));
    assertThat(one.hasNext() && two.hasNext()).isTrue();
    assertOver("streams", () -> calls(client).logs(job(id)).next());
    assertThat(calls("bob").list(io.jobworker.api.v1.ListJobsRequest.getDefaultInstance()))
        .isNotNull();
    channels.get(0).shutdownNow();
    await()
        .atMost(Programs.PATIENCE)
        .ignoreExceptions()
        .until(() -> calls(client).logs(job(id)).hasNext());
  }

  @Test
  void connectionsAreBoundedAndOneThatIsClosedMakesRoom() throws Exception {
    set("connections=2");
    String id = server.as("bob").start("true");
    for (int i = 0; i < 2; i++) {
      var calls = calls(client);
      assertThat(statusOf(calls, id)).isEqualTo(Status.Code.NOT_FOUND);
    }
    await()
        .atMost(Programs.PATIENCE) // a new connection is looked at beside its first calls
        .until(() -> statusOf(calls(client), id) == Status.Code.RESOURCE_EXHAUSTED);
    assertThat(statusOf(calls("bob"), id)).isEqualTo(Status.Code.OK);
    channels.get(0).shutdownNow();
    channels.get(1).shutdownNow();
    await()
        .atMost(Programs.PATIENCE)
        .until(() -> statusOf(calls(client), id) == Status.Code.NOT_FOUND);
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
    set("retained-output=1M");
    String id = server.as(client).start("head -c 2000000 /dev/zero");
    server.log().event("job.ended", id);
    assertThat(server.as(client).run("start", "true").err())
        .startsWith("job-worker: over the quota retained-output: ")
        .contains("of 1MiB are kept; remove ended jobs");
    server.as("bob").start("true");
    await().atMost(Programs.PATIENCE).until(() -> server.as(client).run("rm", id).exitCode() == 0);
    server.as(client).start("true");
  }

  @Test
  void callsAtOnceAreBounded() throws Exception {
    set("calls=1");
    String id = server.as(client).start("--shell", "trap '' TERM; echo up; sleep 1000");
    assertThat(calls(client).logs(job(id)).next().getLog().size()).isPositive();
    Process stop = server.as(client).spawn("stop", "--grace", "1h", id);
    server.log().event("job.stop_requested", id);
    var calls = calls(client);
    assertOver("calls", () -> calls.status(job(id)));
    stop.destroy();
    await().atMost(Programs.PATIENCE).until(() -> statusOf(calls, id) == Status.Code.OK);
  }

  @Test
  void whoeverHasAnAnswerMayCallAgain() {
    set("calls=1");
    String id = server.as(client).start("true");
    var calls = calls(client);
    await().atMost(Programs.PATIENCE).until(() -> statusOf(calls, id) == Status.Code.OK);
    for (int i = 0; i < 300; i++) {
      assertThat(statusOf(calls, id)).isEqualTo(Status.Code.OK);
    }
  }

  @Test
  void ceilingsOfTheClientsOwnHold() {
    set("max-pids=10");
    assertThat(server.as(client).run("start", "--pids", "11", "true").err())
        .contains("--pids 11 is above your ceiling of 10");
    set("max-pids=default");
    assertThat(server.as(client).run("start", "--pids", "11", "true").err())
        .doesNotContain("ceiling");
  }

  @Test
  void quotasAreShownAndWhatIsNoneIsRefused() {
    set("running-jobs=3", "retained-output=1G", "calls=0");
    assertThat(server.admin("client", "list").succeeded().text())
        .containsPattern(client + " .*running-jobs=3 calls=0 retained-output=1G");
    Result unknown = server.admin("client", "set", client, "jobs=3");
    assertThat(unknown.exitCode()).isEqualTo(1);
    assertThat(unknown.err()).startsWith("job-worker-server: 'jobs=3' is not QUOTA=VALUE");
    assertThat(server.admin("client", "set", client, "calls=many").err())
        .contains("calls: 'many' is not a number");
    assertThat(server.admin("client", "set", "nobody", "calls=1").err())
        .contains("there is no client named 'nobody'");
  }
}
