package io.jobworker.core.store;

import io.jobworker.base.sqlite.Database;
import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.base.sqlite.Database.RowReader;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Usage;
import java.nio.file.Path;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The jobs that were answered for, in SQLite. A job is in it from before its Start is answered
 * until it is removed. Thread-safe; one statement at a time, each a transaction. What fails is a
 * {@link JobException.Unavailable}.
 */
public final class JobStore implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(JobStore.class);

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

  /**
   * A spec of an older version lacks what was not there yet; {@link JobSpec} puts in the default.
   */
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** An ended job, and how much of its output is kept. */
  public record Ended(JobId id, String owner, long outputKeptBytes) {
    private static final String COLUMNS = "id, owner, output_bytes - output_dropped_bytes";

    private static Ended of(ResultSet row) throws SQLException {
      return new Ended(
          new JobId(UUID.fromString(row.getString(1))), row.getString(2), row.getLong(3));
    }
  }

  private final Database database;

  private JobStore(Database database) {
    this.database = database;
  }

  /** Opens the database at {@code file}, made if it is missing. */
  public static JobStore open(Path file) {
    try {
      return new JobStore(Database.open(file, MIGRATIONS));
    } catch (SQLException e) {
      throw new JobException.Unavailable("cannot open the job database " + file, e);
    }
  }

  /** Keeps a job that has just started. */
  public void insert(JobRecord job) {
    update(
        "INSERT INTO job (id, owner, request_id, name, spec, created_at_us, main_pid, boot_id, slot)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        statement -> {
          statement.setString(1, job.id().toString());
          statement.setString(2, job.owner());
          statement.setString(3, job.spec().requestId().orElse(null));
          statement.setString(4, job.spec().name());
          statement.setString(5, toJson(job.spec()));
          statement.setLong(6, micros(job.createdAt()));
          statement.setInt(7, job.mainPid());
          statement.setString(8, job.bootId());
          statement.setString(9, job.slot());
        });
  }

  /** Keeps how a job ended, and how much it wrote. */
  public void recordEnd(JobId id, JobEnd end, long outputBytes, long outputDroppedBytes) {
    update(
        "UPDATE job SET reason = ?, exit_code = ?, signal = ?, ended_at_us = ?, cpu_us = ?,"
            + " peak_memory_bytes = ?, read_bytes = ?, written_bytes = ?, output_bytes = ?,"
            + " output_dropped_bytes = ?, cpu_throttled_us = ?, oom_kills = ?, end_detail = ? WHERE id = ?",
        statement -> {
          statement.setString(1, end.reason().name());
          setOptional(statement, 2, end.exitCode());
          setOptional(statement, 3, end.signal());
          statement.setLong(4, micros(end.at()));
          statement.setLong(5, end.usage().cpu().toNanos() / 1000);
          statement.setLong(6, end.usage().memoryPeakBytes());
          statement.setLong(7, end.usage().readBytes());
          statement.setLong(8, end.usage().writtenBytes());
          statement.setLong(9, outputBytes);
          statement.setLong(10, outputDroppedBytes);
          statement.setLong(11, end.usage().throttled().toNanos() / 1000);
          statement.setLong(12, end.usage().oomKills());
          statement.setString(13, end.detail());
          statement.setString(14, id.toString());
        });
  }

  /** Nothing that only a running job needs is left of an ended one. */
  public void markCleaned(JobId id) {
    update(
        "UPDATE job SET cleaned = 1 WHERE id = ?",
        statement -> statement.setString(1, id.toString()));
  }

  /** None of an ended job's output is kept any more; answers false if none was before. */
  public boolean markOutputDropped(JobId id) {
    return update(
            "UPDATE job SET output_dropped_bytes = output_bytes"
                + " WHERE id = ? AND output_bytes > output_dropped_bytes",
            statement -> statement.setString(1, id.toString()))
        > 0;
  }

  /**
   * Forgets an ended job of which nothing but files is left; answers what it was, or nothing if
   * there is no such job.
   */
  public Optional<Ended> deleteCleaned(JobId id) {
    return rows(
            "DELETE FROM job WHERE id = ? AND cleaned = 1 RETURNING " + Ended.COLUMNS,
            statement -> statement.setString(1, id.toString()),
            Ended::of)
        .stream()
        .findFirst();
  }

  public Optional<JobRecord> find(JobId id) {
    return query("SELECT * FROM job WHERE id = ?", s -> s.setString(1, id.toString())).stream()
        .findFirst();
  }

  public Optional<JobRecord> findByRequest(String owner, String requestId) {
    return query(
            "SELECT * FROM job WHERE owner = ? AND request_id = ?",
            statement -> {
              statement.setString(1, owner);
              statement.setString(2, requestId);
            })
        .stream()
        .findFirst();
  }

  /**
   * Jobs from the newest on.
   *
   * @param owner whose; empty: everybody's
   * @param after the last one that is not wanted any more; empty: from the newest
   */
  public List<JobRecord> list(
      Optional<String> owner, Optional<JobQuery.Position> after, int limit) {
    return query(
        "SELECT * FROM job WHERE (?1 IS NULL OR owner = ?1)"
            + " AND (?2 IS NULL OR created_at_us < ?2 OR (created_at_us = ?2 AND id > ?3))"
            + " ORDER BY created_at_us DESC, id LIMIT ?4",
        statement -> {
          statement.setString(1, owner.orElse(null));
          if (after.isPresent()) {
            statement.setLong(2, micros(after.get().createdAt()));
          } else {
            statement.setNull(2, Types.INTEGER);
          }
          statement.setString(3, after.map(position -> position.id().toString()).orElse(null));
          statement.setInt(4, limit);
        });
  }

  /** All jobs whose end is not recorded. */
  public List<JobRecord> unended() {
    return query("SELECT * FROM job WHERE reason IS NULL", Binder.NONE);
  }

  /** Ended jobs of which more than the record may be left in the system. */
  public List<JobRecord> uncleaned() {
    return query("SELECT * FROM job WHERE reason IS NOT NULL AND cleaned = 0", Binder.NONE);
  }

  /** Of {@code some} ids those that are not in the store. */
  public Set<JobId> unknownOf(Set<JobId> some) {
    Set<JobId> unknown = new HashSet<>(some);
    ids("SELECT id FROM job", Binder.NONE).forEach(unknown::remove);
    return unknown;
  }

  /** How much output of ended jobs is kept of each owner, in bytes. */
  public Map<String, Long> endedOutputBytes() {
    return rows(
            "SELECT owner, SUM(output_bytes - output_dropped_bytes) FROM job"
                + " WHERE reason IS NOT NULL AND output_bytes > output_dropped_bytes"
                + " GROUP BY owner",
            Binder.NONE,
            row -> Map.entry(row.getString(1), row.getLong(2)))
        .stream()
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  /** When the first of the ended jobs that are cleaned up ended. */
  public Optional<Instant> firstEnd() {
    return numbers(
            "SELECT ended_at_us FROM job WHERE reason IS NOT NULL AND cleaned = 1"
                + " ORDER BY ended_at_us LIMIT 1",
            Binder.NONE)
        .stream()
        .findFirst()
        .map(JobStore::instant);
  }

  /** Jobs, all of them cleaned up, that ended before {@code time}, from the first on. */
  public List<Ended> endedBefore(Instant time, int limit) {
    return rows(
        "SELECT "
            + Ended.COLUMNS
            + " FROM job WHERE reason IS NOT NULL AND cleaned = 1 AND ended_at_us < ?"
            + " ORDER BY ended_at_us LIMIT ?",
        statement -> {
          statement.setLong(1, micros(time));
          statement.setInt(2, limit);
        },
        Ended::of);
  }

  /** The owners of more than {@code count} ended jobs. */
  public List<String> ownersOfMoreThan(int count) {
    return rows(
        "SELECT owner FROM job WHERE reason IS NOT NULL GROUP BY owner HAVING COUNT(*) > ?",
        statement -> statement.setInt(1, count),
        row -> row.getString(1));
  }

  /** Ended jobs of {@code owner}, cleaned up, but for the {@code newest} that ended last. */
  public List<Ended> endedBeyond(String owner, int newest, int limit) {
    return rows(
        "SELECT "
            + Ended.COLUMNS
            + " FROM job WHERE id IN (SELECT id FROM job WHERE owner = ? AND reason IS NOT NULL"
            + " AND cleaned = 1 ORDER BY ended_at_us DESC, id LIMIT ? OFFSET ?)",
        statement -> {
          statement.setString(1, owner);
          statement.setInt(2, limit);
          statement.setInt(3, newest);
        },
        Ended::of);
  }

  /** Ended jobs of whose output something is kept, from the first that ended on. */
  public List<Ended> firstEndedWithOutput(int limit) {
    return rows(
        "SELECT "
            + Ended.COLUMNS
            + " FROM job WHERE reason IS NOT NULL AND output_bytes > output_dropped_bytes"
            + " ORDER BY ended_at_us, id LIMIT ?",
        statement -> statement.setInt(1, limit),
        Ended::of);
  }

  @Override
  public void close() {
    try {
      database.close();
    } catch (SQLException e) {
      throw new JobException.Unavailable("cannot close the job database", e);
    }
  }

  // --- plumbing

  /** Returns how many rows it has changed. */
  private int update(String sql, Binder binder) {
    try {
      return database.update(sql, binder);
    } catch (SQLException e) {
      if (Database.isFull(e)) {
        throw new JobException.Unavailable("the job database's disk is full");
      }
      throw new JobException.Unavailable("the job database cannot be written", e);
    }
  }

  private <T> List<T> rows(String sql, Binder binder, RowReader<T> reader) {
    try {
      return database.rows(sql, binder, reader);
    } catch (SQLException e) {
      throw new JobException.Unavailable("the job database cannot be read", e);
    }
  }

  /** Rows that cannot be read are reported and left out: they must not keep the others away. */
  private List<JobRecord> query(String sql, Binder binder) {
    return rows(sql, binder, JobStore::toRecordIfReadable).stream()
        .flatMap(Optional::stream)
        .toList();
  }

  private static Optional<JobRecord> toRecordIfReadable(ResultSet row) throws SQLException {
    try {
      return Optional.of(toRecord(row));
    } catch (IllegalArgumentException | JacksonException e) {
      LOG.atError()
          .addKeyValue("job", row.getString("id"))
          .setCause(e)
          .log("store.record_unreadable");
      return Optional.empty();
    }
  }

  private List<JobId> ids(String sql, Binder binder) {
    return rows(sql, binder, row -> new JobId(UUID.fromString(row.getString(1))));
  }

  private List<Long> numbers(String sql, Binder binder) {
    return rows(sql, binder, row -> row.getLong(1));
  }

  private static JobRecord toRecord(ResultSet row) throws SQLException {
    return new JobRecord(
        new JobId(UUID.fromString(row.getString("id"))),
        row.getString("owner"),
        fromJson(row.getString("spec")),
        instant(row.getLong("created_at_us")),
        row.getInt("main_pid"),
        row.getString("boot_id"),
        row.getString("slot"),
        toEnd(row),
        row.getLong("output_bytes"),
        row.getLong("output_dropped_bytes"));
  }

  private static Optional<JobEnd> toEnd(ResultSet row) throws SQLException {
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
            new Usage(
                Duration.ofNanos(row.getLong("cpu_us") * 1000),
                Duration.ofNanos(row.getLong("cpu_throttled_us") * 1000),
                0,
                row.getLong("peak_memory_bytes"),
                row.getLong("oom_kills"),
                row.getLong("read_bytes"),
                row.getLong("written_bytes"),
                0),
            row.getString("end_detail")));
  }

  private static OptionalInt optional(ResultSet row, String column) throws SQLException {
    int value = row.getInt(column);
    return row.wasNull() ? OptionalInt.empty() : OptionalInt.of(value);
  }

  private static void setOptional(PreparedStatement statement, int index, OptionalInt value)
      throws SQLException {
    if (value.isPresent()) {
      statement.setInt(index, value.getAsInt());
    } else {
      statement.setNull(index, Types.INTEGER);
    }
  }

  private static String toJson(JobSpec spec) {
    return JSON.writeValueAsString(spec);
  }

  private static JobSpec fromJson(String text) {
    return JSON.readValue(text, JobSpec.class);
  }

  private static long micros(Instant time) {
    return Math.addExact(
        Math.multiplyExact(time.getEpochSecond(), 1_000_000L), time.getNano() / 1000L);
  }

  private static Instant instant(long micros) {
    return Instant.ofEpochSecond(
        Math.floorDiv(micros, 1_000_000L), Math.floorMod(micros, 1_000_000L) * 1000L);
  }
}
