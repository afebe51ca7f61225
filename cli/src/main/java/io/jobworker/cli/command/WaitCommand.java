package io.jobworker.cli.command;

import static java.util.Objects.requireNonNullElse;

import com.google.protobuf.Duration;
import io.grpc.Status;
import io.grpc.StatusException;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.cli.connect.Connection;
import io.jobworker.cli.connect.Connector;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.connect.Retry;
import io.jobworker.cli.exit.JobExit;
import io.jobworker.cli.render.Amounts;
import io.jobworker.cli.render.Statuses;
import io.jobworker.cli.render.Talk;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code wait}: until jobs have ended; a connection that breaks is made anew. */
@Command(
    name = "wait",
    description = "Waits until jobs have ended, and exits with the job's own code.",
    mixinStandardHelpOptions = true,
    exitCodeOnInvalidInput = JobExit.OURS,
    exitCodeOnExecutionException = JobExit.OURS,
    footer = {
      "",
      "Of several jobs the exit code is the largest. When --timeout is over, it is 124.",
      "",
      "Examples:",
      "  job-worker wait @last && echo done",
      "  job-worker wait --label team=build",
      "  job-worker wait --any --timeout 1h name:left name:right",
    })
public final class WaitCommand implements Callable<Integer> {
  private static final java.time.Duration PATIENCE = java.time.Duration.ofMinutes(5);
  private static final long LOOK_SECONDS = 5;
  private static final int MAX_AT_ONCE = 100; // as the server takes them

  @Spec private CommandSpec spec = CommandSpec.create();
  @ParentCommand private Connector server = Connector.NONE;
  @ParentCommand private Talk talk = Talk.USUAL;
  @Mixin private JobsParameter jobs = new JobsParameter();

  @Option(names = "--any", description = "Until the first of them has ended.")
  private boolean any;

  @Option(
      names = "--timeout",
      paramLabel = "TIME",
      converter = Times.class,
      description = "No longer than this, as in 90s; then the exit code is 124.")
  private Optional<Duration> timeout = Optional.empty();

  /** Those that have not ended yet, by id. */
  private final Map<String, Found.Job> left = new LinkedHashMap<>();

  /** Whether that is all of them, or enough, when they were looked at first. */
  private final CompletableFuture<Boolean> looked = new CompletableFuture<>();

  private boolean found;
  private volatile boolean over;
  private WaitProgress progress = WaitProgress.NONE;
  private int further; // grows with what is reached
  private int worst;

  @Override
  public Integer call() throws StatusException, InterruptedException, IOException {
    try (WaitProgress shown = WaitProgress.on(spec.commandLine().getErr(), talk.quiet())) {
      progress = shown;
      return timeout.isEmpty() ? await() : awaitInTime(timeout.get());
    }
  }

  private int awaitInTime(Duration time) throws StatusException, InterruptedException, IOException {
    try (ExecutorService worker = Executors.newVirtualThreadPerTaskExecutor()) {
      return inTime(worker.submit((Callable<Integer>) this::await), Amounts.duration(time));
    } catch (ExecutionException e) {
      return rethrow(requireNonNullElse(e.getCause(), e));
    }
  }

  private int inTime(Future<Integer> code, java.time.Duration time)
      throws InterruptedException, ExecutionException {
    try {
      return code.get(time.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      if (looked.completeOnTimeout(false, LOOK_SECONDS, TimeUnit.SECONDS).join()) {
        return code.get(); // whoever waits for no time wants to know how it is now
      }
      over = true;
      code.cancel(true);
      progress.close();
      say("not ended within " + Amounts.duration(time));
      return JobExit.TIMED_OUT;
    }
  }

  private static int rethrow(Throwable cause)
      throws StatusException, InterruptedException, IOException {
    switch (cause) {
      case StatusException e -> throw e;
      case InterruptedException e -> throw e;
      case IOException e -> throw e;
      case RuntimeException e -> throw e;
      default -> throw new IllegalStateException(cause);
    }
  }

  private int await() throws StatusException, InterruptedException, IOException {
    return new Retry(server, PATIENCE, this::sayBroken)
        .run(
            connection -> {
              find(connection);
              lookOnce(connection);
              awaitEnds(connection);
              return worst;
            },
            () -> further);
  }

  private void find(Connection connection) throws StatusException, IOException {
    if (found) {
      return;
    }
    for (Found one : jobs.find(connection, server)) {
      switch (one) {
        case Found.Job job -> left.put(job.id(), job);
        case Found.Refused refused -> refuse(refused.why());
      }
    }
    // A wait that was never answered does not show that the server was reached: the transport asks
    // again by itself, and then tells of its own attempt only. This does.
    var _ = connection.calls().list(ListJobsRequest.newBuilder().setPageSize(1).build());
    found = true;
    further++;
  }

  /** Those that have ended already need no waiting, however short the time is. */
  private void lookOnce(Connection connection) throws StatusException {
    if (looked.isDone()) {
      return;
    }
    List<String> ids = List.copyOf(left.keySet());
    for (int i = 0; i < ids.size(); i += MAX_AT_ONCE) {
      List<String> some = ids.subList(i, Math.min(i + MAX_AT_ONCE, ids.size()));
      for (JobStatusResponse job :
          connection
              .calls()
              .list(ListJobsRequest.newBuilder().addAllIdPrefixes(some).build())
              .getJobsList()) {
        if (Statuses.isFinal(job) && left.remove(job.getId()) != null) {
          ended(job);
        }
      }
    }
    looked.complete(left.isEmpty());
  }

  /** One of them; of any it is enough. */
  private void ended(JobStatusResponse status) {
    took(status);
    if (any) {
      worst = JobExit.of(status).code();
      left.clear();
    }
    further++;
  }

  private void awaitEnds(Connection connection) throws StatusException, InterruptedException {
    ExecutorService waiting = Executors.newVirtualThreadPerTaskExecutor();
    try {
      CompletionService<End> ends = new ExecutorCompletionService<>(waiting);
      for (Found.Job job : left.values()) {
        var _ = ends.submit(() -> await(connection, job));
      }
      while (!left.isEmpty()) {
        Future<End> ended = ends.poll(WaitProgress.PACE.toMillis(), TimeUnit.MILLISECONDS);
        if (ended == null) {
          progress.show(connection, left.keySet());
          continue;
        }
        End end = ended.resultNow();
        switch (end) {
          case End.Of of -> ended(of.status());
          case End.Failed failed -> {
            took(failed);
            further++;
          }
        }
        left.remove(end.job().id());
      }
    } finally {
      waiting.shutdownNow(); // nobody waits for them: whoever closes the connection ends them
    }
  }

  /** What came of waiting for one job. */
  private sealed interface End {
    Found.Job job();

    record Of(Found.Job job, JobStatusResponse status) implements End {}

    record Failed(Found.Job job, StatusException why) implements End {}
  }

  private static End await(Connection connection, Found.Job job) {
    try {
      JobRequest request = JobRequest.newBuilder().setId(job.id()).build();
      return new End.Of(job, connection.calls().wait(request));
    } catch (StatusException e) {
      return new End.Failed(job, e);
    }
  }

  private void took(JobStatusResponse status) {
    progress.remove();
    PrintWriter out = spec.commandLine().getOut();
    out.println(
        talk.quiet()
            ? status.getId()
            : Statuses.shortId(status.getId()) + "  " + Statuses.of(status));
    out.flush();
    worst = Math.max(worst, JobExit.of(status).code());
  }

  private void took(End.Failed failed) throws StatusException {
    Status.Code code = failed.why().getStatus().getCode();
    if (code == Status.Code.UNAVAILABLE || code == Status.Code.CANCELLED) {
      throw failed.why(); // of the connection, not of the job
    }
    refuse(
        Batch.failure(failed.job(), failed.why(), Flags.of(spec.commandLine().getParseResult())));
  }

  private void refuse(Failure why) {
    say(why.message());
    worst = Math.max(worst, Math.max(JobExit.OURS, why.exitCode())); // no code of a job
  }

  private void sayBroken() {
    if (!over && !talk.quiet()) {
      say("connection lost; trying to reconnect");
    }
  }

  private void say(String what) {
    progress.remove();
    talk.say(what);
  }
}
