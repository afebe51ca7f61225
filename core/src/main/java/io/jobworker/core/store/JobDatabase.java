package io.jobworker.core.store;

import io.jobworker.base.linux.DiskReserve;
import io.jobworker.base.sqlite.Database;
import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.base.sqlite.Database.RowReader;
import io.jobworker.base.sqlite.Database.Work;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.Usage;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;

/**
 * The database of jobs: each statement is a transaction, and those that read wait for none that
 * writes. Thread-safe. What fails is a {@link JobException.Unavailable}.
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
          "ALTER TABLE job ADD COLUMN slot TEXT NOT NULL DEFAULT '';",
          changes(),
          intents(),
          """
          CREATE TABLE identity (id TEXT NOT NULL, generation INTEGER NOT NULL) STRICT;
          INSERT INTO identity (id, generation) VALUES (lower(hex(randomblob(16))), 0);
          """,
          // Ages are told by service time from here on; of what has ended, relative to the newest.
          """
          CREATE TABLE service_time (
            boot_id TEXT NOT NULL,
            uptime_us INTEGER NOT NULL,
            service_us INTEGER NOT NULL
          ) STRICT;
          INSERT INTO service_time (boot_id, uptime_us, service_us) VALUES ('', 0, 0);
          ALTER TABLE job ADD COLUMN ended_service_us INTEGER NOT NULL DEFAULT 0;
          UPDATE job SET ended_service_us = ended_at_us - (SELECT MAX(ended_at_us) FROM job)
            WHERE reason IS NOT NULL;
          DROP INDEX job_by_end;
          DROP INDEX job_by_owner_end;
          DROP INDEX job_with_output;
          CREATE INDEX job_by_end ON job (ended_service_us, id) WHERE reason IS NOT NULL;
          CREATE INDEX job_by_owner_end ON job (owner, ended_service_us DESC, id)
            WHERE reason IS NOT NULL;
          CREATE INDEX job_with_output
            ON job (ended_service_us, id, output_bytes, output_dropped_bytes)
            WHERE reason IS NOT NULL AND output_bytes > output_dropped_bytes;
          """,
          "ALTER TABLE job ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;",
          "CREATE INDEX job_owner ON job (id, owner);",
          // Ended jobs that were started as something large: their number does not bound the disk.
          """
          ALTER TABLE job ADD COLUMN spec_bytes INTEGER
            GENERATED ALWAYS AS (octet_length(spec)) VIRTUAL;
          CREATE INDEX job_with_large_spec ON job (owner, ended_service_us DESC, id, spec_bytes)
            WHERE cleaned = 1 AND spec_bytes > 4096;
          """);

  /**
   * For a log that SQLite begins anew after 1000 pages of 4 KiB (sqlite.org, PRAGMA
   * wal_autocheckpoint), and as much again.
   */
  private static final DiskReserve.Purpose ROOM =
      new DiskReserve.Purpose("the job database", "running jobs may need to end", 8 << 20);

  private static final String EPOCH_JULIAN_DAY = "2440587.5"; // 1970-01-01

  /**
   * Every change of a job gets a revision, in the transaction that makes it; a job's place in lists
   * is the revision of its start. Revisions begin at the time in microseconds, so that those of a
   * database that was replaced are told from its successor's. No number is given twice.
   */
  private static String changes() {
    String keep = keepChange();
    return """
    ALTER TABLE job ADD COLUMN seq INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE job ADD COLUMN stopping INTEGER NOT NULL DEFAULT 0;
    UPDATE job SET seq = numbered.seq
      FROM (SELECT id, row_number() OVER (ORDER BY created_at_us, id DESC) AS seq FROM job)
        AS numbered
      WHERE numbered.id = job.id;
    DROP INDEX job_by_owner;
    DROP INDEX job_by_age;
    CREATE INDEX job_by_seq ON job (seq);
    CREATE INDEX job_by_owner_seq ON job (owner, seq);
    CREATE INDEX job_by_name ON job (name, seq) WHERE name <> '';
    CREATE TABLE change (
      revision INTEGER PRIMARY KEY AUTOINCREMENT,
      job TEXT NOT NULL,
      owner TEXT NOT NULL,
      name TEXT NOT NULL,
      labels TEXT,
      created_at_us INTEGER NOT NULL,
      main_pid INTEGER NOT NULL,
      stopping INTEGER NOT NULL,
      reason TEXT,
      exit_code INTEGER,
      signal INTEGER,
      ended_at_us INTEGER,
      end_detail TEXT NOT NULL,
      output_bytes INTEGER NOT NULL,
      output_dropped_bytes INTEGER NOT NULL,
      removed INTEGER NOT NULL,
      at_us INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX change_by_owner ON change (owner, revision);
    INSERT INTO sqlite_sequence (name, seq)
      VALUES ('change', CAST(strftime('%s', 'now') AS INTEGER) * 1000000);
    CREATE TABLE change_forgotten (
      owner TEXT PRIMARY KEY,
      revision INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO change_forgotten (owner, revision)
      SELECT '', seq FROM sqlite_sequence WHERE name = 'change';
    """
        + "CREATE TRIGGER job_started AFTER INSERT ON job BEGIN "
        + keep.formatted("NEW", 0)
        + " UPDATE job SET seq = last_insert_rowid() WHERE id = NEW.id; END;\n"
        + "CREATE TRIGGER job_stopping AFTER UPDATE OF stopping ON job"
        + " WHEN NEW.stopping <> OLD.stopping AND NEW.reason IS NULL BEGIN "
        + keep.formatted("NEW", 0)
        + " END;\n"
        + "CREATE TRIGGER job_ended AFTER UPDATE OF reason ON job"
        + " WHEN OLD.reason IS NULL AND NEW.reason IS NOT NULL BEGIN "
        + keep.formatted("NEW", 0)
        + " END;\n"
        + "CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN "
        + keep.formatted("OLD", 1)
        + " END;\n";
  }

  private static String keepChange() {
    String columns =
        "job, owner, name, labels, created_at_us, main_pid, stopping, reason, exit_code, signal,"
            + " ended_at_us, end_detail, output_bytes, output_dropped_bytes, removed, at_us";
    String values =
        "%1$s.id, %1$s.owner, %1$s.name, json_extract(%1$s.spec, '$.labels'), %1$s.created_at_us,"
            + " %1$s.main_pid, %1$s.stopping, %1$s.reason, %1$s.exit_code, %1$s.signal,"
            + " %1$s.ended_at_us, %1$s.end_detail, %1$s.output_bytes, %1$s.output_dropped_bytes";
    return "INSERT INTO change ("
        + columns
        + ") VALUES ("
        + values
        + ", %2$d, CAST((julianday('now') - "
        + EPOCH_JULIAN_DAY
        + ") * 86400000000 AS INTEGER));";
  }

  /**
   * A job is recorded before it is launched. It is settled when that has happened, or never will;
   * before that it has no revision and no place in lists, and is nobody's to see.
   */
  private static String intents() {
    String keep = keepChange();
    return """
    ALTER TABLE job ADD COLUMN settled INTEGER NOT NULL DEFAULT 1;
    DROP TRIGGER job_started;
    DROP TRIGGER job_ended;
    DROP TRIGGER job_removed;
    """
        + "CREATE TRIGGER job_started AFTER UPDATE OF settled ON job"
        + " WHEN OLD.settled = 0 AND NEW.settled = 1 BEGIN "
        + keep.formatted("NEW", 0)
        + " UPDATE job SET seq = last_insert_rowid() WHERE id = NEW.id; END;\n"
        + "CREATE TRIGGER job_ended AFTER UPDATE OF reason ON job"
        + " WHEN OLD.reason IS NULL AND NEW.reason IS NOT NULL AND OLD.settled = 1 BEGIN "
        + keep.formatted("NEW", 0)
        + " END;\n"
        + "CREATE TRIGGER job_removed AFTER DELETE ON job WHEN OLD.settled = 1 BEGIN "
        + keep.formatted("OLD", 1)
        + " END;\n";
  }

  /** The file is no database, or no whole one. */
  public static final class Damaged extends IOException {
    Damaged(Path file, SQLException cause) {
      super(file + " is damaged", cause);
    }
  }

  private final Database database;
  private final DiskReserve reserve;
  private final boolean durable;

  private JobDatabase(Database database, DiskReserve reserve, boolean durable) {
    this.database = database;
    this.reserve = reserve;
    this.durable = durable;
  }

  /**
   * Opens the database at {@code file}, made if it is missing. The caller closes it.
   *
   * @param durable whether what is written outlives the host's crash; it then waits for the disk
   * @throws Damaged if the file is no whole database
   */
  public static JobDatabase open(Path file, boolean durable) throws Damaged {
    DiskReserve reserve = DiskReserve.take(reserve(file), ROOM);
    try {
      return new JobDatabase(Database.open(file, MIGRATIONS, durable), reserve, durable);
    } catch (SQLException e) {
      if (Database.isDamaged(e)) {
        throw new Damaged(file, e);
      }
      if (Database.isFull(e)) {
        throw full();
      }
      throw new JobException.Unavailable("cannot open the job database " + file, e);
    }
  }

  /**
   * Opens one that is there, as it is, and writes nothing. The caller closes it.
   *
   * @throws Damaged if the file is no whole database
   */
  public static JobDatabase openToRead(Path file) throws Damaged {
    try {
      return new JobDatabase(
          Database.openToRead(file), DiskReserve.none(reserve(file), ROOM), false);
    } catch (SQLException e) {
      if (Database.isDamaged(e)) {
        throw new Damaged(file, e);
      }
      throw new JobException.Unavailable("cannot open the job database " + file, e);
    }
  }

  /** Whether it has all that this version of the program expects. */
  public boolean isUpToDate() {
    return rows("PRAGMA user_version", Binder.NONE, row -> row.getInt(1)).getFirst()
        == MIGRATIONS.size();
  }

  /**
   * Lets go of the room that is kept beside that database, if the disk is full: also what must be
   * done before it can be opened may need some.
   */
  public static void makeRoom(Path database) {
    var _ = DiskReserve.take(reserve(database), ROOM);
  }

  /** Why jobs would not be started beside that database for want of room; changes nothing. */
  public static Optional<String> lackOfRoom(Path database) {
    return DiskReserve.lackAt(reserve(database), ROOM);
  }

  private static Path reserve(Path database) {
    return database.resolveSibling("reserve");
  }

  /**
   * Makes sure that what is about to begin can be brought to its end.
   *
   * @throws JobException.Unavailable if the disk is full, or so nearly that its reserve is gone
   */
  void requireReserve() {
    Optional<String> lack = reserve.lack();
    if (lack.isPresent()) {
      throw new JobException.Unavailable(lack.get());
    }
  }

  private static JobException full() {
    return new JobException.Unavailable("the job database's disk is full");
  }

  /** Returns how many rows it has changed. */
  int update(String sql, Binder binder) {
    return done(() -> database.update(sql, binder));
  }

  /** The same, for what brings something to its end: by the disk's reserve, if it must. */
  int updateSurely(String sql, Binder binder) {
    return done(surely(() -> database.update(sql, binder)));
  }

  /** Likewise, of a statement that answers with what it has changed. */
  <T> List<T> changedSurely(String sql, Binder binder, RowReader<T> reader) {
    return done(surely(() -> database.changed(sql, binder, reader)));
  }

  private <T> Work<T> surely(Work<T> work) {
    return () -> {
      long releases = reserve.releases();
      try {
        return work.run();
      } catch (SQLException e) {
        if (Database.isFull(e) && (reserve.release() || reserve.releases() != releases)) {
          return work.run();
        }
        throw e;
      }
    };
  }

  private static <T> T done(Work<T> work) {
    try {
      return work.run();
    } catch (SQLException e) {
      if (Database.isFull(e)) {
        throw full();
      }
      throw new JobException.Unavailable("the job database cannot be written", e);
    }
  }

  /** Does something whose commits wait for the disk, also where others do not. */
  void synchronously(Runnable action) {
    done(() -> database.exclusively(() -> synchronouslyAlone(action)));
  }

  /** By one connection: another would not know of it. */
  private boolean synchronouslyAlone(Runnable action) {
    update("PRAGMA synchronous = FULL", Binder.NONE); // sqlite.org: of this connection
    try {
      action.run();
      return true;
    } finally {
      if (!durable) {
        update("PRAGMA synchronous = NORMAL", Binder.NONE);
      }
    }
  }

  /** All rows that a statement answers with. */
  <T> List<T> rows(String sql, Binder binder, RowReader<T> reader) {
    return rows(sql, binder, reader, () -> true);
  }

  /** The same, for as long as {@code goingOn} says so after a row. */
  <T> List<T> rows(String sql, Binder binder, RowReader<T> reader, BooleanSupplier goingOn) {
    try {
      return database.rows(sql, binder, reader, goingOn);
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

  static OptionalInt optional(ResultSet row, String column) throws SQLException {
    int value = row.getInt(column);
    return row.wasNull() ? OptionalInt.empty() : OptionalInt.of(value);
  }

  /** How a job ended, by the columns that say so; empty of one that has not. */
  static Optional<JobEnd> end(ResultSet row, Usage usage) throws SQLException {
    String reason = row.getString("reason");
    if (reason == null) {
      return Optional.empty();
    }
    return Optional.of(
        new JobEnd(
            EndReason.valueOf(reason),
            optional(row, "exit_code"),
            optional(row, "signal"),
            instant(row.getLong("ended_at_us")),
            usage,
            row.getString("end_detail")));
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
