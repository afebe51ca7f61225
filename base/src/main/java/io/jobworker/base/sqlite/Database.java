package io.jobworker.base.sqlite;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/**
 * One SQLite database, by two connections, each of which one thread uses at a time: one that
 * writes, and one that only reads, and so waits for no writer, nor one for it (sqlite.org,
 * Write-Ahead Logging). What is written is kept when the process dies; the last commits may be lost
 * when the host does. Thread-safe.
 *
 * <p>Whoever owns it says in its own terms what an {@link SQLException} means.
 */
public final class Database implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Database.class);

  /** So far apart are versions that two connections give. */
  private static final long VERSIONS_OF_A_CONNECTION = 1L << 32;

  /** Some ten pages each, of the thousand after which SQLite would begin the log anew. */
  private static final int WRITES_OF_A_LOG = 64;

  /** How a connection is made, each time. */
  @FunctionalInterface
  private interface Opener {
    Connection open() throws SQLException;
  }

  private final Opener again;
  private final Opener againToRead;

  // Guarded by writing.
  private Connection connection;
  private PreparedStatement version;
  private long versionBase;
  private boolean closed;
  private int written;

  /** Guarded by reading; made when it is needed first. */
  private @Nullable Connection reader;

  /** Written under either lock, and made false under both. */
  private volatile boolean stuck;

  /** Taken before {@link #reading} by whoever needs both. */
  private final ReentrantLock writing = new ReentrantLock();

  private final ReentrantLock reading = new ReentrantLock();

  /** Sets a statement's parameters. */
  @FunctionalInterface
  public interface Binder {
    /** There are none. */
    Binder NONE = _ -> {};

    void bind(PreparedStatement statement) throws SQLException;
  }

  /** Makes something of the row that the result set is at. */
  @FunctionalInterface
  public interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  /** Something that is done while nobody else uses the database. */
  @FunctionalInterface
  public interface Work<T> {
    T run() throws SQLException;
  }

  /**
   * @param again how it is opened once more: never made, for whoever has moved it knows why
   */
  private Database(Connection connection, Opener again, Opener againToRead) throws SQLException {
    this.again = again;
    this.againToRead = againToRead;
    this.connection = connection;
    this.version = prepareVersion(connection);
  }

  private static PreparedStatement prepareVersion(Connection connection) throws SQLException {
    return connection.prepareStatement("PRAGMA data_version");
  }

  /**
   * Opens or makes the database, mode 0600, and brings it up to date. The caller closes it.
   *
   * @param migrations scripts, the n-th of which leads from version n to n + 1 (as kept in {@code
   *     user_version}); their order never changes
   * @param durable whether what is written outlives the host's crash; it then waits for the disk
   */
  public static Database open(Path file, List<String> migrations, boolean durable)
      throws SQLException {
    return new Database(
        Sqlite.open(file, migrations, durable),
        () -> Sqlite.openAgain(file, durable),
        () -> Sqlite.openBeside(file));
  }

  /** Opens one that is there, to read it and leave it as it is. The caller closes it. */
  public static Database openToRead(Path file) throws SQLException {
    return new Database(
        Sqlite.openToRead(file), () -> Sqlite.openToRead(file), () -> Sqlite.openToRead(file));
  }

  private static PreparedStatement prepare(Connection by, String sql) throws SQLException {
    LOG.atTrace().addKeyValue("sql", sql).log("database.statement");
    return by.prepareStatement(sql);
  }

  /** Executes a statement; returns how many rows it has changed. */
  public int update(String sql, Binder binder) throws SQLException {
    return exclusively(() -> {
      try (PreparedStatement statement = prepare(connection, sql)) {
        binder.bind(statement);
        int changed = statement.executeUpdate();
        noteWritten();
        return changed;
      }
    });
  }

  /**
   * The log of what was written begins anew when all of it is in the file and nobody reads, which
   * readers by turns could put off for ever (sqlite.org, Write-Ahead Logging, "Avoiding Excessively
   * Large WAL Files"): so now and then nobody does.
   */
  private void noteWritten() {
    if (writing.getHoldCount() > 1 || ++written < WRITES_OF_A_LOG) {
      return; // a transaction may be under way
    }
    written = 0;
    reading.lock();
    try (Statement statement = connection.createStatement()) {
      var _ = statement.execute("PRAGMA wal_checkpoint(RESTART)");
    } catch (SQLException e) {
      LOG.atDebug().setCause(e).log("database.not_checkpointed"); // on a full disk, say
    } finally {
      reading.unlock();
    }
  }

  /** Executes a statement; returns what it answers with of what it has changed. */
  public <T> List<T> changed(String sql, Binder binder, RowReader<T> reader) throws SQLException {
    return exclusively(() -> {
      List<T> changed = rows(connection, sql, binder, reader, () -> true);
      noteWritten();
      return changed;
    });
  }

  /** All rows that a statement which changes nothing answers with. */
  public <T> List<T> rows(String sql, Binder binder, RowReader<T> reader) throws SQLException {
    return rows(sql, binder, reader, () -> true);
  }

  /**
   * The rows that it answers with, for as long as {@code goingOn} says so after a row: as they are
   * at one moment, with all that was written before, and within a transaction with what that has
   * written.
   */
  public <T> List<T> rows(String sql, Binder binder, RowReader<T> reader, BooleanSupplier goingOn)
      throws SQLException {
    return writing.isHeldByCurrentThread()
        ? rows(connection, sql, binder, reader, goingOn)
        : reading(by -> rows(by, sql, binder, reader, goingOn));
  }

  private static <T> List<T> rows(
      Connection by, String sql, Binder binder, RowReader<T> reader, BooleanSupplier goingOn)
      throws SQLException {
    try (PreparedStatement statement = prepare(by, sql)) {
      binder.bind(statement);
      List<T> found = new ArrayList<>();
      try (ResultSet rows = statement.executeQuery()) {
        while (rows.next()) {
          found.add(reader.read(rows));
          if (!goingOn.getAsBoolean()) {
            break;
          }
        }
      }
      return found;
    }
  }

  /**
   * Does {@code work} in a transaction, of which no other process writes anything meanwhile:
   * commits if it returns true, and otherwise, or if it throws, takes all of it back.
   */
  public boolean inTransaction(Work<Boolean> work) throws SQLException {
    return exclusively(() -> {
      try (Statement transaction = connection.createStatement()) {
        transaction.execute("BEGIN IMMEDIATE");
        try {
          if (work.run()) {
            transaction.execute("COMMIT");
            return true;
          }
        } catch (SQLException | RuntimeException e) {
          Sqlite.rollBackAfter(e, transaction);
          throw e;
        }
        transaction.execute("ROLLBACK");
        return false;
      }
    });
  }

  /**
   * A number that is another one after another process has changed the database (sqlite.org, PRAGMA
   * data_version). Quick enough to be asked at every call.
   */
  public long version() throws SQLException {
    return exclusively(() -> {
      try (ResultSet row = version.executeQuery()) {
        return versionBase + row.getLong(1);
      }
    });
  }

  /** Does {@code work} while no other thread writes anything. */
  public <T> T exclusively(Work<T> work) throws SQLException {
    if (reading.isHeldByCurrentThread() && !writing.isHeldByCurrentThread()) {
      throw new IllegalStateException("who reads a row must not write meanwhile");
    }
    writing.lock();
    try {
      if (stuck && !closed && writing.getHoldCount() == 1) {
        reopen();
      }
      return work.run();
    } catch (SQLException e) {
      noteStuck(e);
      throw e;
    } finally {
      writing.unlock();
    }
  }

  /** What is done by one connection or the other. */
  @FunctionalInterface
  private interface Reading<T> {
    T by(Connection connection) throws SQLException;
  }

  private <T> T reading(Reading<T> work) throws SQLException {
    if (stuck) {
      var _ = exclusively(() -> true);
    }
    reading.lock();
    try {
      Connection connection = reader != null ? reader : againToRead.open();
      reader = connection;
      return work.by(connection);
    } catch (SQLException e) {
      noteStuck(e);
      throw e;
    } finally {
      reading.unlock();
    }
  }

  private void noteStuck(SQLException failure) {
    if (isLockHeld(failure)) {
      stuck = true;
    }
  }

  /** By somebody else, which passes, or by a count of locks that is not true any more. */
  private static boolean isLockHeld(SQLException failure) {
    int code = failure.getErrorCode() & 0xff;
    return code == SQLiteErrorCode.SQLITE_BUSY.code || code == SQLiteErrorCode.SQLITE_PROTOCOL.code;
  }

  /**
   * SQLite keeps count of its file locks. One that the kernel did not let go of once (fcntl(2):
   * EIO, ENOLCK) it holds against itself for as long as the file is open.
   */
  private void reopen() throws SQLException {
    reading.lock();
    try {
      closeQuietly(version); // first: what the process has open of a file shares its locks
      closeQuietly(connection);
      if (reader != null) {
        closeQuietly(reader);
        reader = null;
      }
      connection = again.open();
      version = prepareVersion(connection);
      versionBase += VERSIONS_OF_A_CONNECTION;
      stuck = false;
    } finally {
      reading.unlock();
    }
    LOG.atWarn().log("database.opened_anew");
  }

  private static void closeQuietly(AutoCloseable part) {
    try {
      part.close();
    } catch (Exception e) {
      LOG.atWarn().setCause(e).log("database.not_closed");
    }
  }

  /** Whether the disk is full. */
  public static boolean isFull(SQLException failure) {
    return failure instanceof SQLiteException sqlite
        && (sqlite.getResultCode() == SQLiteErrorCode.SQLITE_FULL
            || sqlite.getResultCode() == SQLiteErrorCode.SQLITE_IOERR_SHMSIZE);
  }

  /** Whether what was read is no database, or no whole one. */
  public static boolean isDamaged(SQLException failure) {
    int code = failure.getErrorCode() & 0xff;
    return code == SQLiteErrorCode.SQLITE_CORRUPT.code
        || code == SQLiteErrorCode.SQLITE_NOTADB.code;
  }

  /** Whether what was to be written is against one of the schema's constraints. */
  public static boolean isRefused(SQLException failure) {
    return (failure.getErrorCode() & 0xff) == SQLiteErrorCode.SQLITE_CONSTRAINT.code;
  }

  @Override
  public void close() throws SQLException {
    var _ =
        exclusively(() -> {
          closed = true;
          reading.lock();
          try (Connection _ = connection;
              Connection _ = reader) { // or null
            return true;
          } finally {
            reading.unlock();
          }
        });
  }
}
