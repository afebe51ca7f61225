package io.jobworker.cli.run;

import io.grpc.Status;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.StopOptions;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.connect.InputPump;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.output.OutputFollower;
import io.jobworker.cli.render.LogSink;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.function.IntConsumer;

/**
 * A job that stands in for a program here: it is started once, its output comes as it is written,
 * and signals to us are passed on. A connection that breaks is made anew, and everything goes on
 * where it was. Whatever becomes of us, the job lives on. For one thread.
 */
public final class JobRun {
  /** Hears of the job's id, once, as soon as it is known. */
  @FunctionalInterface
  public interface Started {
    void as(String id) throws IOException;
  }

  /** Nobody reads what the job writes any more. */
  public static final class NobodyReads extends IOException {
    NobodyReads() {
      super("nobody reads the output any more");
    }
  }

  private final Connector server;
  private final Optional<InputStream> input;
  private final Duration patience;
  private final Talk talk;
  private final JobRequest start;
  private final JobSignals signals;

  private Optional<String> id = Optional.empty();
  private Optional<OutputFollower> follower = Optional.empty();
  private Optional<JobStatusResponse> ended = Optional.empty();
  private boolean removing;

  /**
   * Prepares it.
   *
   * @param input what the job is to read, if anything, as it comes
   * @param patience how long a connection that broke is tried to be made anew
   * @param talk for people
   * @param leave ends the process with an exit code, when signals ask for that
   */
  public JobRun(
      Connector server,
      JobSpec spec,
      Optional<InputStream> input,
      Duration patience,
      Talk talk,
      IntConsumer leave) {
    this.server = server;
    this.input = input;
    this.patience = patience;
    this.talk = talk;
    // The request id makes it safe to ask again: it is one job, however often it is asked for.
    this.start =
        JobRequest.newBuilder()
            .setSpec(
                spec.toBuilder()
                    .setStdinStream(input.isPresent())
                    .setRequestId(UUID.randomUUID().toString()))
            .build();
    this.signals = new JobSignals(server, patience, talk::say, leave);
  }

  /** The job's id, once it has started. */
  public Optional<String> id() {
    return id;
  }

  /** Starts the job and no more. */
  public String start(Started started) throws StatusException, InterruptedException, IOException {
    return retry().run(connection -> begin(connection, started));
  }

  /**
   * Starts the job, copies its output to {@code sink} and answers how it ended.
   *
   * @param remove whether the job is forgotten when it has ended
   * @throws NobodyReads if the sink takes no more; the job has been told, as a program would be
   */
  public JobStatusResponse run(Started started, LogSink sink, boolean remove)
      throws StatusException, InterruptedException, IOException {
    PassedSignal.handleAll(signals::on);
    return retry()
        .run(
            connection -> {
              begin(connection, started);
              follow(connection, sink);
              return end(connection, remove);
            },
            this::progress);
  }

  private Retry retry() {
    return new Retry(
        server,
        patience,
        () -> talk.remark("connection lost; trying again for " + patience.toSeconds() + "s"));
  }

  /** Grows with everything that need not be done again. */
  private long progress() {
    return id.isEmpty() ? 0 : 2 + follower.map(OutputFollower::next).orElse(-1L);
  }

  private String begin(Connection connection, Started started) throws StatusException, IOException {
    if (id.isEmpty()) {
      String given = connection.calls().start(start).getId();
      id = Optional.of(given);
      started.as(given);
      signals.started(given);
      input.ifPresent(
          in -> Thread.ofPlatform().name("input").daemon().start(() -> feed(given, in)));
    }
    return id.get();
  }

  /** Beside the output: a job may write before it has read everything. */
  private void feed(String job, InputStream in) {
    try {
      InputPump.Outcome outcome = new InputPump(in).run(server, job, patience, () -> {});
      if (outcome == InputPump.Outcome.CLOSED) {
        in.close(); // who writes into ours is told as if the job were here
      }
    } catch (StatusException | IOException e) {
      if (!JobSignals.isOver(e)) {
        talk.say("the job gets no more input: " + Failure.of(e).message());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void follow(Connection connection, LogSink sink)
      throws StatusException, InterruptedException, IOException {
    if (follower.isEmpty()) {
      LogOptions all = LogOptions.newBuilder().setOffset(0).build();
      follower = Optional.of(OutputFollower.of(id.orElseThrow(), all, sink));
    }
    if (!follower.get().copy(connection)) {
      breakPipe(connection);
      throw new NobodyReads();
    }
    sink.end();
  }

  /** What happens to a program whose output nobody reads (pipe(7)); it may choose to live on. */
  private void breakPipe(Connection connection) {
    StopOptions pipe = StopOptions.newBuilder().setSignal("PIPE").build();
    try {
      var _ =
          connection
              .calls()
              .stop(JobRequest.newBuilder().setId(id.orElseThrow()).setStop(pipe).build());
    } catch (StatusException e) {
      // it has ended, or will find out by itself
    }
  }

  private JobStatusResponse end(Connection connection, boolean remove) throws StatusException {
    JobRequest job = JobRequest.newBuilder().setId(id.orElseThrow()).build();
    if (ended.isEmpty()) {
      ended = Optional.of(connection.calls().status(job));
    }
    if (remove) {
      boolean again = removing;
      removing = true;
      try {
        var _ = connection.calls().remove(job);
      } catch (StatusException e) {
        if (!again || e.getStatus().getCode() != Status.Code.NOT_FOUND) {
          throw e; // otherwise it was done, and only the answer was lost
        }
      }
    }
    return ended.get();
  }
}
