package io.jobworker.cli.command;

import static java.util.Objects.requireNonNullElse;

import io.grpc.Status;
import io.grpc.StatusException;
import io.jobworker.cli.connect.Failure;
import io.jobworker.cli.connect.RefusedException;
import io.jobworker.cli.render.Statuses;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import picocli.CommandLine.Model.CommandSpec;

/**
 * The same done to many jobs: to all of them, whatever becomes of the others, and to a few at once.
 * Each has its line, a result on standard output or a refusal on standard error, in the order in
 * which the jobs were named; the exit code is that of the worst.
 */
final class Batch {
  private static final int AT_ONCE = 16;
  private static final int NOT_DONE = 1;

  /** Refusals that are no job's. */
  private static final Set<Status.Code> OF_CALLER =
      EnumSet.of(
          Status.Code.UNAUTHENTICATED, Status.Code.PERMISSION_DENIED, Status.Code.UNAVAILABLE);

  private final PrintWriter out;
  private final PrintWriter err;
  private final Failure.Typed typed;

  /** What is done to one of them; returns the line that says what came of it. */
  @FunctionalInterface
  interface Action {
    String on(Found.Job job) throws StatusException, InterruptedException;
  }

  /** The action did not come to what was asked for. */
  static final class NotDone extends RuntimeException {
    NotDone(String why) {
      super(why);
    }
  }

  Batch(CommandSpec spec) {
    out = spec.commandLine().getOut();
    err = spec.commandLine().getErr();
    typed = Flags.of(spec.commandLine().getParseResult());
  }

  /** Returns the exit code. */
  int run(List<Found> jobs, Action action) throws InterruptedException {
    Semaphore turns = new Semaphore(AT_ONCE);
    int worst = 0;
    try (ExecutorService workers = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> lines = new ArrayList<>();
      for (Found one : jobs) {
        lines.add(workers.submit(() -> line(turns, one, action)));
      }
      for (int i = 0; i < lines.size(); i++) {
        worst = Math.max(worst, print(jobs.get(i), lines.get(i)));
      }
    }
    return worst;
  }

  private static String line(Semaphore turns, Found one, Action action)
      throws StatusException, InterruptedException {
    return switch (one) {
      case Found.Refused refused -> throw new RefusedException(refused.why());
      case Found.Job job -> inTurn(turns, job, action);
    };
  }

  private static String inTurn(Semaphore turns, Found.Job job, Action action)
      throws StatusException, InterruptedException {
    turns.acquire();
    try {
      return action.on(job);
    } finally {
      turns.release();
    }
  }

  private int print(Found job, Future<String> result) throws InterruptedException {
    try {
      String line = result.get();
      if (!line.isEmpty()) {
        out.println(line);
        out.flush();
      }
      return 0;
    } catch (ExecutionException e) {
      Failure failure = failure(job, requireNonNullElse(e.getCause(), e), typed);
      err.println("job-worker: " + failure.message());
      err.flush();
      return failure.exitCode();
    }
  }

  /** In the words that were typed. */
  static Failure failure(Found job, Throwable cause, Failure.Typed typed) {
    Failure failure =
        cause instanceof NotDone e
            ? new Failure(String.valueOf(e.getMessage()), NOT_DONE)
            : Failure.of(cause, typed);
    return failure.message().contains(job.typed())
            || OF_CALLER.contains(Status.fromThrowable(cause).getCode())
        ? failure
        : new Failure(Statuses.typed(job.typed()) + ": " + failure.message(), failure.exitCode());
  }
}
