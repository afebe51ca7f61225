package io.jobworker.core.store;

import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/**
 * The ended jobs, as they are kept and forgotten: by age, by number, by how much of their output is
 * kept. Thread-safe. What fails is a {@link JobException.Unavailable}.
 */
public final class HistoryStore {
  /** An ended job, and how much of its output is kept. */
  public record Ended(JobId id, String owner, long outputKeptBytes) {
    private static final String COLUMNS = "id, owner, output_bytes - output_dropped_bytes";

    /** Empty of what cannot be read, which must not keep the others. */
    private static Optional<Ended> of(ResultSet row) throws SQLException {
      String owner = row.getString(2);
      long kept = row.getLong(3);
      return JobId.parse(row.getString(1)).map(id -> new Ended(id, owner, kept));
    }
  }

  private final JobDatabase database;

  public HistoryStore(JobDatabase database) {
    this.database = database;
  }

  /** None of an ended job's output is kept any more; answers false if none was before. */
  public boolean markOutputDropped(JobId id) {
    return database.updateSurely(
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
    return database
        .changedSurely(
            "DELETE FROM job WHERE id = ? AND cleaned = 1 RETURNING " + Ended.COLUMNS,
            statement -> statement.setString(1, id.toString()),
            Ended::of)
        .stream()
        .flatMap(Optional::stream)
        .findFirst();
  }

  /** How much output of ended jobs is kept of each owner, in bytes. */
  public Map<String, Long> endedOutputBytes() {
    return database
        .rows(
            "SELECT owner, SUM(output_bytes - output_dropped_bytes) FROM job"
                + " WHERE reason IS NOT NULL AND output_bytes > output_dropped_bytes"
                + " GROUP BY owner",
            Binder.NONE,
            row -> Map.entry(row.getString(1), row.getLong(2)))
        .stream()
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  /** When the first of the ended jobs that are cleaned up ended, by {@link ServiceTime}. */
  public Optional<Duration> firstEnd() {
    return database
        .rows(
            "SELECT ended_service_us FROM job WHERE reason IS NOT NULL AND cleaned = 1"
                + " ORDER BY ended_service_us LIMIT 1",
            Binder.NONE,
            row -> ServiceTime.duration(row.getLong(1)))
        .stream()
        .findFirst();
  }

  /**
   * Jobs, all of them cleaned up, that ended before {@code time}, which is {@link ServiceTime};
   * from the first on.
   */
  public List<JobId> endedBefore(Duration time, int limit) {
    return ids(
        "SELECT id FROM job WHERE reason IS NOT NULL AND cleaned = 1 AND ended_service_us < ?"
            + " ORDER BY ended_service_us LIMIT ?",
        statement -> {
          statement.setLong(1, ServiceTime.micros(time));
          statement.setInt(2, limit);
        });
  }

  /** The owners of more than {@code count} ended jobs. */
  public List<String> ownersOfMoreThan(int count) {
    return database.rows(
        "SELECT owner FROM job WHERE reason IS NOT NULL GROUP BY owner HAVING COUNT(*) > ?",
        statement -> statement.setInt(1, count),
        row -> row.getString(1));
  }

  /** Ended jobs of {@code owner}, cleaned up, but for the {@code newest} that ended last. */
  public List<JobId> endedBeyond(String owner, int newest, int limit) {
    return ids(
        "SELECT id FROM job WHERE owner = ? AND reason IS NOT NULL"
            + " AND cleaned = 1 ORDER BY ended_service_us DESC, id LIMIT ? OFFSET ?",
        statement -> {
          statement.setString(1, owner);
          statement.setInt(2, limit);
          statement.setInt(3, newest);
        });
  }

  /** The owners of ended jobs whose specs are large. */
  public List<String> ownersOfLargeSpecs() {
    return database.rows(
        "SELECT DISTINCT owner FROM job INDEXED BY job_with_large_spec"
            + " WHERE cleaned = 1 AND spec_bytes > 4096",
        Binder.NONE,
        row -> row.getString(1));
  }

  /**
   * Ended jobs of {@code owner}, cleaned up, whose specs are large, but for those that ended last
   * and whose specs together have at most so many {@code bytes}.
   */
  public List<JobId> endedBeyondSpecs(String owner, long bytes, int limit) {
    AtomicLong sum = new AtomicLong();
    List<JobId> beyond = new ArrayList<>();
    var _ =
        database.rows(
            "SELECT id, spec_bytes FROM job WHERE owner = ? AND cleaned = 1 AND spec_bytes > 4096"
                + " ORDER BY ended_service_us DESC, id",
            statement -> statement.setString(1, owner),
            row -> {
              if (sum.addAndGet(row.getLong(2)) > bytes) {
                JobId.parse(row.getString(1)).ifPresent(beyond::add);
              }
              return beyond.size();
            },
            () -> beyond.size() < limit);
    return beyond;
  }

  /** Ended jobs of whose output something is kept, from the first that ended on. */
  public List<Ended> firstEndedWithOutput(int limit) {
    return ended(
        "SELECT "
            + Ended.COLUMNS
            + " FROM job WHERE reason IS NOT NULL AND output_bytes > output_dropped_bytes"
            + " ORDER BY ended_service_us, id LIMIT ?",
        statement -> statement.setInt(1, limit));
  }

  private List<JobId> ids(String sql, Binder binder) {
    return database.rows(sql, binder, row -> JobId.parse(row.getString(1))).stream()
        .flatMap(Optional::stream)
        .toList();
  }

  private List<Ended> ended(String sql, Binder binder) {
    return database.rows(sql, binder, Ended::of).stream().flatMap(Optional::stream).toList();
  }
}
