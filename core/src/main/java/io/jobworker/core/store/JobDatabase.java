package io.jobworker.core.store;

import io.jobworker.base.sqlite.Database;
import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.base.sqlite.Database.RowReader;
import io.jobworker.core.job.JobException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;

/**
 * The database of jobs: one statement at a time, each a transaction. Thread-safe. What fails is a
 * {@link JobException.Unavailable}.
 */
public final class JobDatabase implements AutoCloseable {
  private static final List<String> MIGRATIONS =
      List.of(
          """
          CREATE TABLE job (
            id TEXT PRIMARY KEY,
            owner TEXT NOT NULL,
            request_id TEXT,
            name TEXT NOT NULL,
            spec TEXT NOT NULL,
            created_at_us INTEGER NOT NULL,
            main_pid INTEGER NOT NULL,
            reason TEXT,
            exit_code INTEGER,
            signal INTEGER,
            ended_at_us INTEGER,
            cpu_us INTEGER NOT NULL DEFAULT 0,
            peak_memory_bytes INTEGER NOT NULL DEFAULT 0,
            read_bytes INTEGER NOT NULL DEFAULT 0,
            written_bytes INTEGER NOT NULL DEFAULT 0,
            output_bytes INTEGER NOT NULL DEFAULT 0,
            output_dropped_bytes INTEGER NOT NULL DEFAULT 0
          ) STRICT, WITHOUT ROWID;
          CREATE UNIQUE INDEX job_by_request ON job (owner, request_id) WHERE request_id IS NOT NULL;
          CREATE INDEX job_by_owner ON job (owner, created_at_us DESC, id);
          CREATE INDEX job_running ON job (id) WHERE reason IS NULL;
          """,
          """
          ALTER TABLE job ADD COLUMN cpu_throttled_us INTEGER NOT NULL DEFAULT 0;
          ALTER TABLE job ADD COLUMN oom_kills INTEGER NOT NULL DEFAULT 0;
          """,
          "CREATE INDEX job_by_age ON job (created_at_us DESC, id)",
          """
          ALTER TABLE job ADD COLUMN boot_id TEXT NOT NULL DEFAULT '';
          ALTER TABLE job ADD COLUMN end_detail TEXT NOT NULL DEFAULT '';
          ALTER TABLE job ADD COLUMN cleaned INTEGER NOT NULL DEFAULT 0;
          CREATE INDEX job_uncleaned ON job (id) WHERE reason IS NOT NULL AND cleaned = 0;
          CREATE INDEX job_by_end ON job (ended_at_us, id) WHERE reason IS NOT NULL;
          CREATE INDEX job_by_owner_end ON job (owner, ended_at_us DESC, id) WHERE reason IS NOT NULL;
          CREATE INDEX job_with_output ON job (ended_at_us, id, output_bytes, output_dropped_bytes)
            WHERE reason IS NOT NULL AND output_bytes > output_dropped_bytes;
          """,
          "ALTER TABLE job ADD COLUMN slot TEXT NOT NULL DEFAULT '';");

  private final Database database;

  private JobDatabase(Database database) {
    this.database = database;
  }

  /** Opens the database at {@code file}, made if it is missing. The caller closes it. */
  public static JobDatabase open(Path file) {
    try {
      return new JobDatabase(Database.open(file, MIGRATIONS));
    } catch (SQLException e) {
      throw new JobException.Unavailable("cannot open the job database " + file, e);
    }
  }

  /** Returns how many rows it has changed. */
  int update(String sql, Binder binder) {
    try {
      return database.update(sql, binder);
    } catch (SQLException e) {
      if (Database.isFull(e)) {
        throw new JobException.Unavailable("the job database's disk is full");
      }
      throw new JobException.Unavailable("the job database cannot be written", e);
    }
  }

  /** All rows that a statement answers with. */
  <T> List<T> rows(String sql, Binder binder, RowReader<T> reader) {
    try {
      return database.rows(sql, binder, reader);
    } catch (SQLException e) {
      throw new JobException.Unavailable("the job database cannot be read", e);
    }
  }

  /** As times are kept. */
  static long micros(Instant time) {
    return Math.addExact(
        Math.multiplyExact(time.getEpochSecond(), 1_000_000L), time.getNano() / 1000L);
  }

  static Instant instant(long micros) {
    return Instant.ofEpochSecond(
        Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000L);
  }

  @Override
  public void close() {
    try {
      database.close();
    } catch (SQLException e) {
      throw new JobException.Unavailable("cannot close the job database", e);
    }
  }
}
