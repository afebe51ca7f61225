package io.jobworker.base.sqlite;

import io.jobworker.base.linux.PrivateFiles;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteJDBCLoader;
import org.sqlite.SQLiteOpenMode;

/**
 * Opens SQLite databases the one way that this project does: WAL, mode 0600, versioned by
 * migrations.
 */
final class Sqlite {
  private static final Logger LOG = LoggerFactory.getLogger(Sqlite.class);
  private static final int BUSY_TIMEOUT_MS = 10_000;
  private static final String DRIVER_DIRECTORY = "org.sqlite.tmpdir";

  private static boolean driverLoaded; // guarded by this class

  private Sqlite() {}

  /**
   * Opens or makes the database and brings it up to date. {@code migrations} are scripts, the n-th
   * of which leads from version n to n + 1 (as kept in {@code user_version}); their order never
   * changes. The caller closes the connection and uses it from one thread at a time.
   *
   * @param durable whether each commit waits for the disk
   */
  static Connection open(Path file, List<String> migrations, boolean durable) throws SQLException {
    SQLiteConfig config = config(durable);
    createPrivately(file);
    Connection connection = connect(config, file);
    try {
      migrate(connection, file, migrations);
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  private static SQLiteConfig config(boolean durable) {
    SQLiteConfig config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    // In WAL mode NORMAL survives the death of the process; only a host's crash may cost the last
    // commits. With FULL each of them synchronises the log (sqlite.org, PRAGMA synchronous).
    config.setSynchronous(
        durable ? SQLiteConfig.SynchronousMode.FULL : SQLiteConfig.SynchronousMode.NORMAL);
    config.setBusyTimeout(BUSY_TIMEOUT_MS);
    config.enforceForeignKeys(true);
    return config;
  }

  /**
   * Opens one that this process has brought up to date: as it is, and only if it is there. The
   * caller closes the connection.
   */
  static Connection openAgain(Path file, boolean durable) throws SQLException {
    SQLiteConfig config = config(durable);
    config.resetOpenMode(SQLiteOpenMode.CREATE);
    return connect(config, file);
  }

  /**
   * Opens one that this process has brought up to date and has open, to read it while that
   * connection writes. The caller closes it.
   */
  static Connection openBeside(Path file) throws SQLException {
    Connection connection = openAgain(file, false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA query_only = 1"); // read-only, it could not make the log's index
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /** Opens one that is there, to read it and leave it as it is. The caller closes it. */
  static Connection openToRead(Path file) throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setReadOnly(true);
    config.setBusyTimeout(BUSY_TIMEOUT_MS);
    Connection connection = connect(config, file);
    try (Statement statement = connection.createStatement()) {
      statement.execute("PRAGMA user_version"); // the file is not read before
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  private static Connection connect(SQLiteConfig config, Path file) throws SQLException {
    loadDriver(file);
    // As a URI, for in a plain name the driver takes a question mark for its own.
    return config.createConnection(
        "jdbc:sqlite:file:" + file.toAbsolutePath().toUri().getRawPath());
  }

  /**
   * The driver unpacks its native part into a file. Where the directory for temporary files is full
   * or not one to execute from, the database's own does, if nobody else can put anything there.
   */
  private static synchronized void loadDriver(Path database) throws SQLException {
    if (driverLoaded) {
      return;
    }
    String chosen = System.getProperty(DRIVER_DIRECTORY);
    Path temporary = Path.of(chosen == null ? System.getProperty("java.io.tmpdir") : chosen);
    try {
      loadDriverFrom(temporary);
    } catch (Exception e) {
      Path own = Objects.requireNonNull(database.toAbsolutePath().getParent());
      if (!isLoadedFrom(own, e)) {
        throw new SQLException("cannot load the SQLite driver: " + e.getMessage(), e);
      }
    } finally {
      System.setProperty(DRIVER_DIRECTORY, temporary.toString());
    }
    driverLoaded = true;
  }

  /** Says in {@code before} what stood against this one. */
  private static boolean isLoadedFrom(Path own, Exception before) {
    try {
      if (!PrivateFiles.isOwn(own)) {
        return false;
      }
      loadDriverFrom(own);
      return true;
    } catch (Exception e) {
      before.addSuppressed(e);
      return false;
    }
  }

  /**
   * The driver deletes the file when the JVM ends by itself, which a server never does. So it gets
   * a directory that goes as soon as it is loaded: what is mapped stays.
   */
  private static void loadDriverFrom(Path parent) throws Exception {
    Path directory = Files.createTempDirectory(parent, "job-worker-sqlite-");
    try {
      System.setProperty(DRIVER_DIRECTORY, directory.toString());
      SQLiteJDBCLoader.initialize();
    } finally {
      removeIfPossible(directory);
    }
  }

  /** What stays is litter: NFS keeps a file's name as long as it is mapped. */
  private static void removeIfPossible(Path directory) {
    try (var files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Files.delete(file);
      }
      Files.delete(directory);
    } catch (IOException | DirectoryIteratorException e) {
      LOG.atWarn().addKeyValue("directory", directory).setCause(e).log("sqlite.driver_left");
    }
  }

  private static void createPrivately(Path file) throws SQLException {
    try {
      if (!Files.exists(file)) {
        Files.createFile(file, PrivateFiles.FILE);
      }
    } catch (IOException e) {
      throw new SQLException("cannot make " + file + ": " + e.getMessage(), e);
    }
  }

  /** Takes back what {@code failure} has cut short. */
  static void rollBackAfter(Exception failure, Statement transaction) {
    try {
      transaction.execute("ROLLBACK");
    } catch (SQLException e) {
      failure.addSuppressed(e); // SQLite may have done so itself
    }
  }

  private static void migrate(Connection connection, Path file, List<String> migrations)
      throws SQLException {
    try (Statement statement = connection.createStatement()) {
      // Immediately exclusive: two processes that open it at once must not both migrate.
      statement.execute("BEGIN IMMEDIATE");
      try {
        int version;
        try (ResultSet row = statement.executeQuery("PRAGMA user_version")) {
          version = row.getInt(1);
        }
        if (version > migrations.size()) {
          throw new SQLException(
              file + " was written by a newer version of this program (schema " + version + ")");
        }
        for (int next = version; next < migrations.size(); next++) {
          statement.executeUpdate(migrations.get(next));
        }
        if (version < migrations.size()) { // one that is up to date opens on a full disk, too
          statement.execute("PRAGMA user_version = " + migrations.size());
        }
        statement.execute("COMMIT");
      } catch (SQLException e) {
        rollBackAfter(e, statement);
        throw e;
      }
    }
  }
}
