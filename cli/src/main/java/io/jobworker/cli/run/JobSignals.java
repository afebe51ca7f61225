package io.jobworker.cli.run;

import com.google.protobuf.Duration;
import io.grpc.Status;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.StopOptions;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.connect.Retry;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Hands signals to us on to the job, each on a thread and a connection of its own: the thread that
 * copies the output may wait for whoever reads it. Thread-safe.
 */
final class JobSignals {
  private final Connector server;
  private final java.time.Duration patience;
  private final Consumer<String> say;
  private final IntConsumer leave;
  private final SignalPolicy policy = new SignalPolicy(); // guarded by itself
  private final CompletableFuture<String> job = new CompletableFuture<>();

  /** {@code leave} ends the process with an exit code; {@code say} is for people. */
  JobSignals(
      Connector server, java.time.Duration patience, Consumer<String> say, IntConsumer leave) {
    this.server = server;
    this.patience = patience;
    this.say = say;
    this.leave = leave;
  }

  /** From here on signals have a job to go to; those that came before go to it now. */
  void started(String id) {
    job.complete(id);
  }

  void on(PassedSignal signal) {
    SignalPolicy.Action action;
    synchronized (policy) {
      action = policy.on(signal, System.nanoTime());
    }
    switch (action) {
      case SignalPolicy.Action.Pass(String name) -> pass(name);
      case SignalPolicy.Action.Kill _ -> kill();
      case SignalPolicy.Action.Leave(int code) when signal == PassedSignal.HUP -> {
        // Not before it is known what is left behind.
        var _ = job.thenAccept(_ -> leave(code));
      }
      case SignalPolicy.Action.Leave(int code) -> leave(code);
    }
  }

  /** The job gets a signal, by its name in signal(7), and nothing else. */
  void pass(String name) {
    send("SIG" + name, StopOptions.newBuilder().setSignal(name).build());
  }

  private void kill() {
    // A grace of nothing is a kill of the whole tree, whatever grace the job has of its own.
    send("SIGKILL", StopOptions.newBuilder().setGrace(Duration.getDefaultInstance()).build());
  }

  private void send(String what, StopOptions stop) {
    Thread.ofVirtual()
        .start(() -> {
          JobRequest request = JobRequest.newBuilder().setId(job.join()).setStop(stop).build();
          try {
            new Retry(server, patience, () -> {})
                .run(connection -> connection.calls().stop(request));
          } catch (StatusException | IOException | RuntimeException e) {
            if (!isOver(e)) {
              say.accept(what + " did not reach the job: " + Failure.of(e).message());
            }
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
  }

  /** The job has ended meanwhile, as whoever waits for that is about to say. */
  static boolean isOver(Exception e) {
    return e instanceof StatusException status
        && status.getStatus().getCode() == Status.Code.FAILED_PRECONDITION;
  }

  private void leave(int code) {
    String id = job.getNow("");
    if (!id.isEmpty()) {
      say.accept("the job goes on: " + id);
    }
    leave.accept(code);
  }
}
