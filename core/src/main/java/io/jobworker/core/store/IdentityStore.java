package io.jobworker.core.store;

import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.core.job.JobException;

/**
 * Which database this is: it has an id of its own from when it was made, and a generation, which
 * grows with each server that takes it. Thread-safe. What fails is a {@link
 * JobException.Unavailable}.
 */
public final class IdentityStore {
  private final JobDatabase database;

  /**
   * What tells a database from others, and from earlier states of itself.
   *
   * @param generation how many servers have taken it; 0 of one that was just made
   */
  public record Identity(String id, long generation) {}

  public IdentityStore(JobDatabase database) {
    this.database = database;
  }

  public Identity read() {
    return database
        .rows(
            "SELECT id, generation FROM identity",
            Binder.NONE,
            row -> new Identity(row.getString(1), row.getLong(2)))
        .getFirst();
  }

  /**
   * Takes the database for another server, as {@code generation}, which outlives a crash of the
   * host from then on.
   */
  public void take(long generation) {
    database.synchronously(() ->
        database.updateSurely(
            "UPDATE identity SET generation = ?", statement -> statement.setLong(1, generation)));
  }

  /** Whether it knows no job at all. */
  public boolean isEmpty() {
    return database.rows("SELECT 1 FROM job LIMIT 1", Binder.NONE, row -> row.getInt(1)).isEmpty();
  }
}
