package io.jobworker.base.lifecycle;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What has been started so far, to be closed in the reverse order: in the middle of a start that
 * fails just as at the end. Every part is closed, whatever happens when another is. To be used by
 * one thread at a time.
 */
public final class Lifecycle implements AutoCloseable {
  private final Deque<Closing> started = new ArrayDeque<>();

  /** How something ends. */
  @FunctionalInterface
  public interface Closing {
    void close() throws Exception;
  }

  /** Closes {@code part} before all that were added earlier. */
  public <T extends AutoCloseable> T add(T part) {
    started.push(part::close);
    return part;
  }

  /** Does this before all that was added earlier is closed. */
  public void onClose(Closing closing) {
    started.push(closing);
  }

  /** Closes all, because of {@code failure}, which is told of what could not be closed. */
  public void closeAfter(Throwable failure) {
    closeAll(failure);
  }

  /**
   * Closes all. Idempotent.
   *
   * @throws IllegalStateException with the first failure as its cause; that is told of the others
   */
  @Override
  public void close() {
    Throwable failure = closeAll(null);
    if (failure != null) {
      throw new IllegalStateException("not everything could be closed", failure);
    }
  }

  private @Nullable Throwable closeAll(@Nullable Throwable before) {
    Throwable first = before;
    boolean interrupted = false;
    while (!started.isEmpty()) {
      try {
        started.pop().close();
      } catch (Exception | LinkageError | AssertionError e) {
        interrupted |= e instanceof InterruptedException;
        if (first == null) {
          first = e;
        } else if (!first.equals(e)) { // which Throwable refuses
          first.addSuppressed(e);
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return first;
  }
}
