package io.jobworker.cli.connect;

import io.grpc.Status;
import io.grpc.StatusException;
import io.jobworker.cli.connect.NotConnected.Kind;
import java.io.IOException;
import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Does again, on a new connection, what broke off with its connection: for calls that may be
 * repeated. A server that cannot be reached in the first place is not waited for.
 */
public final class Retry {
  private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
  private static final Duration MAX_PAUSE = Duration.ofSeconds(2);

  /** What is done, once or more often. */
  @FunctionalInterface
  public interface Attempt<T> {
    T on(Connection connection) throws StatusException, InterruptedException, IOException;
  }

  private final Connector server;
  private final Duration patience;
  private final Runnable onBroken;

  /**
   * Patience begins anew whenever an attempt got further; {@code onBroken} is told of each
   * connection that broke, before it is replaced.
   */
  public Retry(Connector server, Duration patience, Runnable onBroken) {
    this.server = server;
    this.patience = patience;
    this.onBroken = onBroken;
  }

  /** Answers what the attempt that came through answered. */
  public <T> T run(Attempt<T> attempt) throws StatusException, InterruptedException, IOException {
    return run(attempt, () -> 0);
  }

  /** As above; {@code progress} grows as attempts get further. */
  public <T> T run(Attempt<T> attempt, LongSupplier progress)
      throws StatusException, InterruptedException, IOException {
    boolean reached = false;
    long before = progress.getAsLong();
    long giveUpNanos = 0;
    Duration pause = FIRST_PAUSE;
    while (true) {
      try (Connection connection = server.connect()) {
        return attempt.on(connection);
      } catch (StatusException e) {
        long now = progress.getAsLong();
        boolean further = now != before;
        if (!isBroken(e) || isRefused(e) || (!reached && !further && isUnreachable(e))) {
          throw e;
        }
        if (!reached || further) {
          reached = true;
          before = now;
          giveUpNanos = System.nanoTime() + patience.toNanos();
          pause = FIRST_PAUSE;
          onBroken.run();
        }
        if (System.nanoTime() - giveUpNanos >= 0) {
          throw e;
        }
      }
      Thread.sleep(pause);
      pause = pause.multipliedBy(2).compareTo(MAX_PAUSE) < 0 ? pause.multipliedBy(2) : MAX_PAUSE;
    }
  }

  /** Whether the connection broke, or the server was ending: it said nothing of the call itself. */
  private static boolean isBroken(StatusException e) {
    Status.Code code = e.getStatus().getCode();
    return code == Status.Code.UNAVAILABLE || code == Status.Code.CANCELLED;
  }

  /** Whether one side does not believe the other, which waiting does not change. */
  private static boolean isRefused(StatusException e) {
    return NotConnected.in(e).filter(why -> why.kind() == Kind.REFUSED).isPresent();
  }

  private static boolean isUnreachable(StatusException e) {
    return NotConnected.in(e).filter(why -> why.kind() == Kind.AWAY).isPresent()
        || Failure.hasReason(e); // our own UNAVAILABLE, which says why
  }
}
