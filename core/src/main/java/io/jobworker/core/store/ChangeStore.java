package io.jobworker.core.store;

import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.core.job.JobChange;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Usage;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import tools.jackson.core.JacksonException;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.json.JsonMapper;

/**
 * The changes of jobs, in order. Triggers of the database write them down, each in the transaction
 * that makes it: there is no change without its line, whenever the process dies. Thread-safe. What
 * fails is a {@link JobException.Unavailable}.
 */
public final class ChangeStore {
  private static final Logger LOG = LoggerFactory.getLogger(ChangeStore.class);

  /** An owner's changes are trimmed when there may be so many too many. */
  private static final int SLACK = 256;

  /** So many that cannot be read are logged, each once, for whoever follows meets them often. */
  private static final int MAX_UNREADABLE = 1024;

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final TypeReference<Map<String, String>> LABELS = new TypeReference<>() {};

  private final JobDatabase database;
  private final ConcurrentMap<String, Integer> callsSinceTrim = new ConcurrentHashMap<>();
  private final Set<Long> unreadable = ConcurrentHashMap.newKeySet();

  public ChangeStore(JobDatabase database) {
    this.database = database;
  }

  /** The last revision that was given. */
  public long newest() {
    return database
        .rows(
            "SELECT seq FROM sqlite_sequence WHERE name = 'change'",
            Binder.NONE,
            row -> row.getLong(1))
        .getFirst();
  }

  /**
   * Changes after {@code revision}, from the first on. One that cannot be read is passed over.
   *
   * @param owner of whose jobs; empty: of everybody's
   * @throws JobException.RevisionForgotten if some of them are not kept
   */
  public List<JobChange> after(long revision, Optional<String> owner, int limit) {
    List<Line> lines = lines(revision, owner, limit);
    List<JobChange> found = readable(lines);
    while (found.isEmpty() && !lines.isEmpty()) {
      lines = lines(lines.getLast().revision(), owner, limit);
      found = readable(lines);
    }
    requireKept(revision, owner); // afterwards: what is trimmed meanwhile is noticed
    return found;
  }

  private List<Line> lines(long revision, Optional<String> owner, int limit) {
    return owner.isPresent()
        ? database.rows(
            "SELECT * FROM change WHERE owner = ? AND revision > ? ORDER BY revision LIMIT ?",
            statement -> {
              statement.setString(1, owner.get());
              statement.setLong(2, revision);
              statement.setInt(3, limit);
            },
            this::line)
        : database.rows(
            "SELECT * FROM change WHERE revision > ? ORDER BY revision LIMIT ?",
            statement -> {
              statement.setLong(1, revision);
              statement.setInt(2, limit);
            },
            this::line);
  }

  private static List<JobChange> readable(List<Line> lines) {
    return lines.stream().flatMap(line -> line.change().stream()).toList();
  }

  private void requireKept(long revision, Optional<String> owner) {
    long forgotten =
        database
            .rows(
                "SELECT MAX(revision) FROM change_forgotten WHERE ?1 IS NULL OR owner IN (?1, '')",
                statement -> statement.setString(1, owner.orElse(null)),
                row -> row.getLong(1))
            .getFirst();
    if (revision < forgotten) {
      throw new JobException.RevisionForgotten(
          "changes up to revision " + forgotten + " are not kept any more");
    }
    long newest = newest();
    if (revision > newest) {
      throw new JobException.RevisionForgotten("this server has given no revision after " + newest);
    }
  }

  /** Sees to it that of the owner's changes not many more than the {@code newest} are kept. */
  public void trim(String owner, int newest) {
    int calls = callsSinceTrim.merge(owner, 1, Integer::sum);
    if (calls != 1 && calls < SLACK) {
      return;
    }
    callsSinceTrim.put(owner, 1);
    Optional<Long> last =
        database
            .rows(
                "SELECT revision FROM change WHERE owner = ? ORDER BY revision DESC LIMIT 1 OFFSET ?",
                statement -> {
                  statement.setString(1, owner);
                  statement.setInt(2, newest);
                },
                row -> row.getLong(1))
            .stream()
            .findFirst();
    last.ifPresent(revision -> forget(owner, revision));
  }

  /** First that they are forgotten is kept: whoever reads what is left of them hears of it. */
  private void forget(String owner, long revision) {
    database.update(
        "INSERT INTO change_forgotten (owner, revision) VALUES (?1, ?2)"
            + " ON CONFLICT (owner) DO UPDATE SET revision = ?2",
        statement -> {
          statement.setString(1, owner);
          statement.setLong(2, revision);
        });
    database.update(
        "DELETE FROM change WHERE owner = ? AND revision <= ?",
        statement -> {
          statement.setString(1, owner);
          statement.setLong(2, revision);
        });
  }

  /** One line; empty if it does not say which change it is. */
  private record Line(long revision, Optional<JobChange> change) {}

  private Line line(ResultSet row) throws SQLException {
    long revision = row.getLong("revision");
    try {
      return new Line(revision, Optional.of(toChange(row)));
    } catch (IllegalArgumentException | JacksonException e) {
      boolean again = unreadable.size() == MAX_UNREADABLE || !unreadable.add(revision);
      LOG.atLevel(again ? Level.DEBUG : Level.ERROR)
          .addKeyValue("revision", revision)
          .setCause(e)
          .log("change.unreadable");
      return new Line(revision, Optional.empty());
    }
  }

  private static JobChange toChange(ResultSet row) throws SQLException {
    Optional<JobEnd> end = JobDatabase.end(row, Usage.NONE);
    boolean stopping = row.getInt("stopping") != 0;
    String labels = row.getString("labels");
    JobStatus status =
        new JobStatus(
            new JobId(UUID.fromString(row.getString("job"))),
            row.getString("owner"),
            JobSpec.builder(List.of())
                .name(row.getString("name"))
                .labels(labels == null ? Map.of() : JSON.readValue(labels, LABELS))
                .build(),
            end.map(JobEnd::state).orElse(stopping ? JobState.STOPPING : JobState.RUNNING),
            JobDatabase.instant(row.getLong("created_at_us")),
            row.getInt("main_pid"),
            end,
            row.getLong("output_bytes"),
            row.getLong("output_dropped_bytes"),
            "");
    return new JobChange(
        row.getLong("revision"),
        JobDatabase.instant(row.getLong("at_us")),
        status,
        row.getInt("removed") != 0);
  }
}
