package io.jobworker.core.store;

import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.base.sqlite.Database.RowReader;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobFilter;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.Usage;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/**
 * The jobs, each from before it is launched until it is removed. One whose launch has neither
 * happened nor failed yet, as far as is known, is an intent, which is not settled. Thread-safe.
 * What fails is a {@link JobException.Unavailable}.
 */
public final class JobStore {
  private static final Logger LOG = LoggerFactory.getLogger(JobStore.class);

  /**
   * A spec of an older version lacks what was not there yet; {@link JobSpec} puts in the default.
   */
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** How much text of specs a list brings into memory at once. */
  public static final long MAX_WEIGHT = 1 << 20;

  private final JobDatabase database;
  private final ServiceTime time;

  public JobStore(JobDatabase database, ServiceTime time) {
    this.database = database;
    this.time = time;
  }

  /**
   * Makes sure that a job that is started now can be brought to its end.
   *
   * @throws JobException.Unavailable if the disk is full, or nearly so
   */
  public void requireRoom() {
    database.requireReserve();
  }

  /** Keeps an intent, or takes another launch of it for the one that it was. */
  public void intend(JobRecord job) {
    database.update(
        "INSERT INTO job (id, owner, request_id, name, spec, created_at_us, main_pid, boot_id, slot,"
            + " attempt, settled) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0) ON CONFLICT (id)"
            + " DO UPDATE SET created_at_us = excluded.created_at_us, boot_id = excluded.boot_id,"
            + " slot = excluded.slot",
        statement -> {
          statement.setString(1, job.id().toString());
          statement.setString(2, job.owner());
          statement.setString(3, job.spec().requestId().orElse(null));
          statement.setString(4, job.spec().name());
          statement.setString(5, toJson(job.spec()));
          statement.setLong(6, JobDatabase.micros(job.createdAt()));
          statement.setInt(7, job.mainPid());
          statement.setString(8, job.bootId());
          statement.setString(9, job.slot());
          statement.setInt(10, job.attempt());
        });
  }

  /** The intent was carried out: the job is one of those that others see. */
  public void markStarted(JobId id, int mainPid) {
    database.updateSurely(
        "UPDATE job SET main_pid = ?, settled = 1 WHERE id = ?",
        statement -> {
          statement.setInt(1, mainPid);
          statement.setString(2, id.toString());
        });
  }

  /** Forgets an intent of which nothing is left. */
  public void forgetIntent(JobId id) {
    database.update(
        "DELETE FROM job WHERE id = ? AND settled = 0",
        statement -> statement.setString(1, id.toString()));
  }

  /** Keeps how a job ended, and how much it wrote. */
  public void recordEnd(JobId id, JobEnd end, long outputBytes, long outputDroppedBytes) {
    database.updateSurely(
        "UPDATE job SET reason = ?, exit_code = ?, signal = ?, ended_at_us = ?, cpu_us = ?,"
            + " peak_memory_bytes = ?, read_bytes = ?, written_bytes = ?, output_bytes = ?,"
            + " output_dropped_bytes = ?, cpu_throttled_us = ?, oom_kills = ?, end_detail = ?,"
            + " ended_service_us = ?, settled = 1 WHERE id = ?",
        statement -> {
          statement.setString(1, end.reason().name());
          setOptional(statement, 2, end.exitCode());
          setOptional(statement, 3, end.signal());
          statement.setLong(4, JobDatabase.micros(end.at()));
          statement.setLong(5, end.usage().cpu().toNanos() / 1000);
          statement.setLong(6, end.usage().memoryPeakBytes());
          statement.setLong(7, end.usage().readBytes());
          statement.setLong(8, end.usage().writtenBytes());
          statement.setLong(9, outputBytes);
          statement.setLong(10, outputDroppedBytes);
          statement.setLong(11, end.usage().throttled().toNanos() / 1000);
          statement.setLong(12, end.usage().oomKills());
          statement.setString(13, end.detail());
          statement.setLong(14, ServiceTime.micros(time.now()));
          statement.setString(15, id.toString());
        });
  }

  /** A stop of the job has begun. */
  public void markStopping(JobId id) {
    database.updateSurely(
        "UPDATE job SET stopping = 1 WHERE id = ?",
        statement -> statement.setString(1, id.toString()));
  }

  /** Nothing that only a running job needs is left of an ended one. */
  public void markCleaned(JobId id) {
    database.updateSurely(
        "UPDATE job SET cleaned = 1 WHERE id = ?",
        statement -> statement.setString(1, id.toString()));
  }

  public Optional<JobRecord> find(JobId id) {
    return first("SELECT * FROM job WHERE id = ?", s -> s.setString(1, id.toString()));
  }

  /** Whose job it is; empty if there is none. Reads an index, and nothing of what the job is. */
  public Optional<String> owner(JobId id) {
    return database
        .rows(
            "SELECT owner FROM job INDEXED BY job_owner WHERE id = ?",
            statement -> statement.setString(1, id.toString()),
            row -> row.getString(1))
        .stream()
        .findFirst();
  }

  /**
   * What a job was started as.
   *
   * @throws JobException.NoSuchJob if there is none
   */
  public JobSpec spec(JobId id) {
    return find(id)
        .map(JobRecord::spec)
        .orElseThrow(() -> new JobException.NoSuchJob(id.toString()));
  }

  public Optional<JobRecord> findByRequest(String owner, String requestId) {
    return first(
        "SELECT * FROM job WHERE owner = ? AND request_id = ?",
        statement -> {
          statement.setString(1, owner);
          statement.setString(2, requestId);
        });
  }

  /**
   * A job of which something is left to be done, without what may be large.
   *
   * @param slot the name of its cgroup
   * @param settled whether it is no intent
   */
  public record Unfinished(JobId id, String owner, String slot, boolean settled) {
    private static Unfinished of(ResultSet row) throws SQLException {
      return new Unfinished(
          new JobId(UUID.fromString(row.getString("id"))),
          row.getString("owner"),
          row.getString("slot"),
          row.getInt("settled") != 0);
    }
  }

  /** A job, and its place among all. */
  public record Placed(JobQuery.Position position, JobRecord job) {}

  /**
   * Some jobs, one after the other.
   *
   * @param last the place of the last that was read, also if it could not be made out; empty: there
   *     are no more
   */
  public record Batch(List<Placed> jobs, Optional<JobQuery.Position> last) {}

  /**
   * Jobs from the newest on: at least one, if there is any, and no more than are worth {@link
   * #MAX_WEIGHT}.
   *
   * @param owner whose; empty: everybody's
   * @param naming what they are called
   * @param after the last one that is not wanted any more; empty: from the newest
   */
  public Batch list(
      Optional<String> owner,
      JobFilter.Naming naming,
      Optional<JobQuery.Position> after,
      int limit) {
    List<String> conditions = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    conditions.add("settled = 1");
    owner.ifPresent(name -> {
      conditions.add("owner = ?");
      values.add(name);
    });
    after.ifPresent(position -> {
      conditions.add("seq < ?");
      values.add(position.sequence());
    });
    if (!naming.isAny()) {
      List<String> either = new ArrayList<>();
      for (String prefix : naming.idPrefixes()) {
        either.add("(id >= ? AND id < ?)");
        values.add(prefix);
        values.add(prefix + "g"); // which comes after everything that an id has in it
      }
      for (String name : naming.names()) {
        either.add("(name = ? AND name <> '')"); // so that the index is used
        values.add(name);
      }
      conditions.add("(" + String.join(" OR ", either) + ")");
    }
    values.add(limit);
    return records(
        "SELECT * FROM job WHERE "
            + String.join(" AND ", conditions)
            + " ORDER BY seq DESC LIMIT ?",
        statement -> {
          for (int i = 0; i < values.size(); i++) {
            statement.setObject(i + 1, values.get(i));
          }
        });
  }

  /** When the job was started that was started last; empty if there is none. */
  public Optional<Instant> newestStart() {
    return database
        .rows(
            "SELECT created_at_us FROM job ORDER BY seq DESC LIMIT 1",
            Binder.NONE,
            row -> JobDatabase.instant(row.getLong(1)))
        .stream()
        .findFirst();
  }

  /** All jobs whose end is not recorded, intents among them. */
  public List<Unfinished> unended() {
    return unfinished("reason IS NULL");
  }

  /** Ended jobs of which more than the record may be left in the system. */
  public List<Unfinished> uncleaned() {
    return unfinished("reason IS NOT NULL AND cleaned = 0");
  }

  private List<Unfinished> unfinished(String condition) {
    return query(
        "SELECT id, owner, slot, settled FROM job WHERE " + condition,
        Binder.NONE,
        Unfinished::of,
        () -> true);
  }

  /** Of {@code some} ids those that are not in the store. */
  public Set<JobId> unknownOf(Set<JobId> some) {
    Set<JobId> unknown = new HashSet<>(some);
    database
        .rows("SELECT id FROM job", Binder.NONE, row -> JobId.parse(row.getString(1)))
        .forEach(id -> id.ifPresent(unknown::remove));
    return unknown;
  }

  private Optional<JobRecord> first(String sql, Binder binder) {
    return records(sql, binder).jobs().stream().findFirst().map(Placed::job);
  }

  /** At least one, if there is any, and no more than are worth {@link #MAX_WEIGHT}. */
  private Batch records(String sql, Binder binder) {
    AtomicLong weight = new AtomicLong();
    AtomicReference<Optional<JobQuery.Position>> last = new AtomicReference<>(Optional.empty());
    List<Unparsed> rows =
        query(
            sql,
            binder,
            row -> {
              last.set(Optional.of(new JobQuery.Position(row.getLong("seq"))));
              Unparsed read = Unparsed.of(row);
              weight.addAndGet(read.spec().length());
              return read;
            },
            () -> weight.get() < MAX_WEIGHT);
    return new Batch(rows.stream().flatMap(JobStore::parsed).toList(), last.get());
  }

  /**
   * A row whose spec is the text yet that it is kept as: it may be large, and is parsed when others
   * can use the database again.
   */
  private record Unparsed(long sequence, JobId id, String spec, Function<JobSpec, JobRecord> job) {
    private static Unparsed of(ResultSet row) throws SQLException {
      JobId id = new JobId(UUID.fromString(row.getString("id")));
      String owner = row.getString("owner");
      Instant createdAt = JobDatabase.instant(row.getLong("created_at_us"));
      int mainPid = row.getInt("main_pid");
      String bootId = row.getString("boot_id");
      String slot = row.getString("slot");
      int attempt = row.getInt("attempt");
      boolean settled = row.getInt("settled") != 0;
      boolean stopping = row.getInt("stopping") != 0;
      Optional<JobEnd> end = JobDatabase.end(row, toUsage(row));
      long outputBytes = row.getLong("output_bytes");
      long outputDroppedBytes = row.getLong("output_dropped_bytes");
      return new Unparsed(
          row.getLong("seq"),
          id,
          row.getString("spec"),
          spec ->
              new JobRecord(
                  id,
                  owner,
                  spec,
                  createdAt,
                  mainPid,
                  bootId,
                  slot,
                  attempt,
                  settled,
                  stopping,
                  end,
                  outputBytes,
                  outputDroppedBytes));
    }
  }

  private static Stream<Placed> parsed(Unparsed row) {
    try {
      return Stream.of(
          new Placed(new JobQuery.Position(row.sequence()), row.job().apply(fromJson(row.spec()))));
    } catch (IllegalArgumentException | JacksonException e) {
      tellUnreadable(row.id().toString(), e);
      return Stream.empty();
    }
  }

  /** Rows that cannot be read are told of and left out: they must not keep the others away. */
  private <T> List<T> query(
      String sql, Binder binder, RowReader<T> reader, BooleanSupplier goingOn) {
    return database.rows(sql, binder, row -> ifReadable(row, reader), goingOn).stream()
        .flatMap(Optional::stream)
        .toList();
  }

  private static <T> Optional<T> ifReadable(ResultSet row, RowReader<T> reader)
      throws SQLException {
    try {
      return Optional.of(reader.read(row));
    } catch (IllegalArgumentException e) {
      tellUnreadable(row.getString("id"), e);
      return Optional.empty();
    }
  }

  private static void tellUnreadable(String id, RuntimeException why) {
    LOG.atError().addKeyValue("job", id).setCause(why).log("store.record_unreadable");
  }

  private static Usage toUsage(ResultSet row) throws SQLException {
    return new Usage(
        Duration.ofNanos(row.getLong("cpu_us") * 1000),
        Duration.ofNanos(row.getLong("cpu_throttled_us") * 1000),
        0,
        row.getLong("peak_memory_bytes"),
        row.getLong("oom_kills"),
        row.getLong("read_bytes"),
        row.getLong("written_bytes"),
        0);
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
    return JSON.writeValueAsString(StoredWords.of(spec));
  }

  private static JobSpec fromJson(String text) {
    return StoredWords.read(JSON.readValue(text, JobSpec.class));
  }
}
