package io.jobworker.cli.render;

import io.jobworker.api.v1.JobLogsResponse;
import java.io.IOException;

/** Takes a job's output, message after message. For one thread. */
public interface LogSink {
  /**
   * Takes the next of the output; returns whether somebody still reads. As with {@code | head},
   * that nobody does is not an error.
   *
   * @throws IOException if what there is cannot be written
   */
  boolean accept(JobLogsResponse message) throws IOException;

  /** The output has ended: whatever was held back is written. */
  default void end() throws IOException {}
}
