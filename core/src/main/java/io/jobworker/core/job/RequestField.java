package io.jobworker.core.job;

import java.util.Locale;

/** The parts of a request, but for the amounts that {@link Limit} lists. */
public enum RequestField implements Field {
  COMMAND,
  ENVIRONMENT,
  WORKING_DIRECTORY,
  ISOLATION,
  MERGE_OUTPUT,
  TIMEOUT,
  GRACE,
  NAME,
  LABELS,
  REQUEST_ID,
  /** What an {@link Assignment} says, and no request of a client's. */
  ID,
  STDIN,
  STDIN_STREAM,
  OUTPUT_RETAIN,
  IO,
  IO_PATH,
  /** The grace of a {@link StopRequest}, not of a {@link JobSpec}. */
  STOP_GRACE,
  /** The labels of a {@link JobQuery}, not of a {@link JobSpec}. */
  QUERY_LABELS;

  /** {@code working-directory}. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
