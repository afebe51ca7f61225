package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.Programs;
import io.jobworker.acceptance.support.Result;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.api.v1.InputRequest;
import io.jobworker.api.v1.InputResponse;
import io.jobworker.api.v1.InputState;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobWorkerGrpc;
import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A job's stdin, sent while the job runs, as clients of the daemon meet it. */
@Timeout(600)
class InputTest {
  private static final int WINDOW_BYTES = 256 << 10;

  private static ServerProcess server;
  private static ManagedChannel alice;
  private static ManagedChannel bob;

  @BeforeAll
  static void start() {
    server = ServerProcess.start();
    alice = server.certificates().channel("alice");
    bob = server.certificates().channel("bob");
  }

  @AfterAll
  static void stop() throws Exception {
    for (ManagedChannel channel : List.of(alice, bob)) {
      channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
    }
    server.close();
  }

  private static String start(String script) {
    JobSpec spec =
        JobSpec.newBuilder()
            .addAllCommand(List.of("/bin/sh", "-c", script))
            .setStdinStream(true)
            .build();
    return JobWorkerGrpc.newBlockingStub(alice)
        .start(JobRequest.newBuilder().setSpec(spec).build())
        .getId();
  }

  /** One call, and what it is answered: messages, and a status last. */
  private static final class Input implements StreamObserver<InputResponse> {
    private final BlockingQueue<Object> answers = new LinkedBlockingQueue<>();
    private final StreamObserver<InputRequest> requests;

    private Input(ManagedChannel client, String job, long offset) {
      requests = JobWorkerGrpc.newStub(client).input(this);
      requests.onNext(InputRequest.newBuilder().setId(job).setOffset(offset).build());
    }

    @Override
    public void onNext(InputResponse response) {
      answers.add(response);
    }

    @Override
    public void onError(Throwable t) {
      answers.add(Status.fromThrowable(t));
    }

    @Override
    public void onCompleted() {
      answers.add(Status.OK);
    }

    private void send(long offset, byte[] data) {
      requests.onNext(
          InputRequest.newBuilder().setOffset(offset).setData(ByteString.copyFrom(data)).build());
    }

    private void end(long offset) {
      requests.onNext(InputRequest.newBuilder().setOffset(offset).setEnd(true).build());
    }

    private Object next() throws InterruptedException {
      Object next = answers.poll(Programs.PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertThat(next).as("an answer").isNotNull();
      return next;
    }

    private InputResponse await(Predicate<InputResponse> wanted) throws InterruptedException {
      while (true) {
        Object next = next();
        assertThat(next).isInstanceOf(InputResponse.class);
        if (wanted.test((InputResponse) next)) {
          return (InputResponse) next;
        }
      }
    }

    private Status status() throws InterruptedException {
      while (true) {
        if (next() instanceof Status status) {
          return status;
        }
      }
    }
  }

  private static String output(String job) {
    server.log().event("job.ended", job);
    return server.as("alice").run("logs", job).succeeded().text();
  }

  @Test
  void aClientIsToldWhatIsTakenAndTheEndIsTheJobs() throws Exception {
    String job = start("wc -c; exit 3");
    Input input = new Input(alice, job, 0);
    InputResponse first = input.await(_ -> true);
    assertThat(first.getTaken()).isZero();
    assertThat(first.getLimit()).isEqualTo(WINDOW_BYTES);
    input.send(0, new byte[1000]);
    input.await(answer -> answer.getTaken() == 1000 && answer.getLimit() == 1000 + WINDOW_BYTES);
    input.end(1000);
    input.await(answer -> answer.getState() == InputState.INPUT_STATE_ENDED);
    assertThat(input.status().getCode()).isEqualTo(Status.Code.OK);
    assertThat(output(job)).isEqualTo("1000");
  }

  @Test
  void sixtyFourMebibytesComeThroughWholeAlthoughTheServerIsKilledInBetween() throws Exception {
    try (Gate gate = new Gate()) {
      Process client =
          server
              .as("alice")
              .process(
                  "start",
                  "-i",
                  "--shell",
                  "(head -c 30000000; echo so far >&2; " + gate.waiting() + "; cat) | sha256sum")
              .start();
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      Thread sender = Thread.ofVirtual().start(() -> sendRandom(client.getOutputStream(), digest));
      String job = client.inputReader().readLine();
      await()
          .atMost(Programs.PATIENCE)
          .until(() -> server.as("alice").status(job).path("outputBytes").asLong() > 0);
      server.kill();
      server.restart();
      gate.open();
      sender.join(); // before its pipe is closed, which the next line does
      Result result = Programs.finished(client);
      assertThat(result.err()).contains("connection lost");
      assertThat(result.exitCode()).isZero();
      assertThat(output(job)).startsWith(HexFormat.of().formatHex(digest.digest()));
    }
  }

  private static void sendRandom(OutputStream to, MessageDigest digest) {
    Random random = new Random(64);
    byte[] block = new byte[1 << 16];
    try (to) {
      for (int i = 0; i < 1024; i++) {
        random.nextBytes(block);
        digest.update(block);
        to.write(block);
      }
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aSecondCallTakesOverAndTheFirstIsToldSo() throws Exception {
    String job = start("cat");
    Input older = new Input(alice, job, 0);
    older.await(_ -> true);
    older.send(0, new byte[] {'a'});
    older.await(answer -> answer.getTaken() == 1);
    Input newer = new Input(alice, job, 0); // which has all from the start on
    assertThat(older.status().getCode()).isEqualTo(Status.Code.ABORTED);
    assertThat(newer.await(_ -> true).getTaken()).isEqualTo(1);
    newer.send(1, new byte[] {'b'});
    newer.end(2);
    assertThat(newer.status().getCode()).isEqualTo(Status.Code.OK);
    assertThat(output(job)).isEqualTo("ab");
    assertThat(
            server.log().events("input.closed").stream()
                .filter(event -> event.path("job").asString().equals(job))
                .map(event -> event.path("outcome").asString()))
        .containsExactly("taken_over", "ended");
  }

  @Test
  void anothersJobIsNotFound() throws Exception {
    String job = start("exec sleep 1000");
    Status others = new Input(bob, job, 0).status();
    String missing = UUID.randomUUID().toString();
    Status none = new Input(bob, missing, 0).status();
    assertThat(others.getCode()).isEqualTo(Status.Code.NOT_FOUND);
    assertThat(others.getDescription()).isEqualTo("no such job: " + job);
    assertThat(none.getDescription()).isEqualTo("no such job: " + missing);
    server.as("alice").run("stop", job).succeeded();
  }

  @Test
  void whatIsOutOfPlaceIsRefusedAndTheJobGoesOn() throws Exception {
    String job = start("cat");
    List<Refused> refused =
        List.of(
            new Refused(1, _ -> {}, "offset: the job has taken 0 bytes"),
            new Refused(-1, _ -> {}, "offset: must not be negative"),
            new Refused(0, input -> input.send(1, new byte[1]), "offset: the bytes go on at 0"),
            new Refused(
                0,
                input -> input.send(0, new byte[WINDOW_BYTES + 1]),
                "data: goes beyond the limit"),
            new Refused(0, input -> input.end(1), "offset: the bytes go on at 0"),
            new Refused(
                0,
                input -> input.requests.onNext(InputRequest.newBuilder().setId(job).build()),
                "id: stands in the first message only"));
    for (Refused one : refused) {
      Input input = new Input(alice, job, one.offset());
      if (one.offset() == 0) {
        input.await(_ -> true);
        one.wrong().accept(input);
      }
      Status status = input.status();
      assertThat(status.getCode()).as(one.why()).isEqualTo(Status.Code.INVALID_ARGUMENT);
      assertThat(status.getDescription()).startsWith(one.why());
    }
    Input left = new Input(alice, job, 0);
    left.await(_ -> true);
    left.requests.onCompleted(); // is no end of the job's stdin
    assertThat(left.status().getCode()).isEqualTo(Status.Code.OK);
    Input input = new Input(alice, job, 0);
    input.await(_ -> true);
    input.end(0);
    assertThat(input.status().getCode()).isEqualTo(Status.Code.OK);
    assertThat(output(job)).isEmpty();
  }

  private record Refused(long offset, java.util.function.Consumer<Input> wrong, String why) {}

  @Test
  void aJobThatNeverReadsKeepsNoCallOfItsClientWaiting() throws Exception {
    String job = start("exec sleep 1000");
    Input input = new Input(alice, job, 0);
    InputResponse first = input.await(_ -> true);
    input.send(0, new byte[(int) first.getLimit()]);
    input.await(answer -> answer.getTaken() > 0);
    JobRequest request = JobRequest.newBuilder().setId(job).build();
    assertThat(JobWorkerGrpc.newBlockingStub(alice).stop(request).getStatus()).isEqualTo("stopped");
    assertThat(input.status().getCode()).isEqualTo(Status.Code.OK);
    assertThat(new Input(alice, job, 0).status().getCode())
        .isEqualTo(Status.Code.FAILED_PRECONDITION);
  }

  @Test
  void aClientThatIsDisabledWritesNoMore() throws Exception {
    server.addClient("dave");
    ManagedChannel dave = server.certificates().channel("dave");
    JobSpec spec =
        JobSpec.newBuilder().addAllCommand(List.of("sleep", "1000")).setStdinStream(true).build();
    String open =
        JobWorkerGrpc.newBlockingStub(dave)
            .start(JobRequest.newBuilder().setSpec(spec).build())
            .getId();
    Input input = new Input(dave, open, 0);
    input.await(_ -> true);
    server.admin("client", "disable", "dave").succeeded();
    assertThat(input.status().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    await()
        .atMost(Programs.PATIENCE)
        .until(() ->
            server.log().events("input.closed").stream()
                .anyMatch(event ->
                    event.path("job").asString().equals(open)
                        && event.path("outcome").asString().equals("cancelled")));
    dave.shutdownNow();
    server.admin("client", "enable", "dave").succeeded();
    server.as("dave").run("stop", open).succeeded();
  }
}
