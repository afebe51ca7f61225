package io.jobworker.core;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.jobworker.core.job.JobException;
import java.time.Duration;
import java.util.concurrent.Phaser;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What has begun and is to be finished before this process lets go of its jobs: starts, and the
 * ends of jobs. Thread-safe.
 */
final class InFlight {
  private static final Logger LOG = LoggerFactory.getLogger(InFlight.class);

  /** One party for this object, and one for each thing that is under way. */
  private final Phaser parties = new Phaser(1);

  private volatile boolean closing;

  /** Something that is under way, until it is closed. */
  interface Flight extends AutoCloseable {
    @Override
    void close();
  }

  /**
   * Begins something, which {@link #close} then waits for.
   *
   * @throws JobException.Unavailable if closing has begun
   */
  Flight begin() {
    Flight flight = beginEvenIfClosing();
    if (closing) {
      flight.close();
      throw new JobException.Unavailable("the server is shutting down");
    }
    return flight;
  }

  /** The same for whoever asks {@link #isClosing} itself, after this. */
  Flight beginEvenIfClosing() {
    parties.register();
    return parties::arriveAndDeregister;
  }

  boolean isClosing() {
    return closing;
  }

  /** Lets nothing more begin, and waits for what has, for at most {@code patience}. */
  void close(Duration patience) {
    closing = true;
    try {
      parties.awaitAdvanceInterruptibly(parties.arrive(), patience.toMillis(), MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (TimeoutException e) {
      LOG.atWarn()
          .addKeyValue("under_way", parties.getUnarrivedParties())
          .log("jobs.close_impatient");
    }
  }
}
