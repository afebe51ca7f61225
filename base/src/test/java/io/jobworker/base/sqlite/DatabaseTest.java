package io.jobworker.base.sqlite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.base.sqlite.Database.Binder;
import io.jobworker.base.words.OsString;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DatabaseTest {
  @TempDir Path directory;

  @Test
  void itsFileMayHaveAnyName() throws Exception {
    for (String name : List.of("a?b=c", "100%41 #{x}", "it's \"a\"", "gr\u00fcn", "file:x")) {
      Path file = OsString.path(directory + "/" + name);
      Database.open(file, List.of("CREATE TABLE t (x)"), false).close();
      assertThat(file).isRegularFile();
      assertThat(Files.size(file)).isPositive();
    }
  }

  private static List<Integer> numbers(Database database) throws SQLException {
    return database.rows("SELECT x FROM t ORDER BY x", Binder.NONE, row -> row.getInt(1));
  }

  private static int insert(Database database, int number) throws SQLException {
    return database.update(
        "INSERT INTO t (x) VALUES (?)", statement -> statement.setInt(1, number));
  }

  @Test
  void whoReadsDoesNotWaitForWhoWritesAndSeesWhatWasThereBefore() throws Exception {
    Path file = directory.resolve("test.db");
    try (Database database = Database.open(file, List.of("CREATE TABLE t (x)"), false);
        ExecutorService others = Executors.newVirtualThreadPerTaskExecutor()) {
      insert(database, 1);
      boolean committed =
          database.inTransaction(() -> {
            insert(database, 2);
            assertThat(numbers(database)).containsExactly(1, 2);
            assertThat(others.submit(() -> numbers(database)))
                .succeedsWithin(Duration.ofMinutes(1))
                .isEqualTo(List.of(1));
            return true;
          });
      assertThat(committed).isTrue();
      assertThat(numbers(database)).containsExactly(1, 2);
    }
  }

  /** There is hardly a moment when nobody reads. */
  @Test
  void theLogOfWhatIsWrittenStaysSmallHoweverManyRead() throws Exception {
    Path file = directory.resolve("test.db");
    Path log = directory.resolve("test.db-wal");
    List<String> tables = List.of("CREATE TABLE t (x)", "CREATE TABLE large (y)");
    try (Database database = Database.open(file, tables, false);
        ExecutorService others = Executors.newFixedThreadPool(2)) {
      for (int i = 0; i < 300; i++) {
        insert(database, i);
      }
      AtomicBoolean done = new AtomicBoolean();
      for (int i = 0; i < 2; i++) {
        var _ =
            others.submit(() -> {
              while (!done.get()) {
                String sql = "SELECT count(*) FROM t a, t b WHERE a.x * b.x = -1";
                var _ = database.rows(sql, Binder.NONE, row -> row.getInt(1));
              }
              return 0;
            });
      }
      String sql = "INSERT INTO large (y) VALUES (zeroblob(40000))"; // ten pages
      for (int i = 0; i < 500; i++) {
        database.update(sql, Binder.NONE);
      }
      done.set(true);
      assertThat(Files.size(log)).isLessThan(8 << 20);
    }
  }

  @Test
  void whoReadsChangesNothing() throws Exception {
    Path file = directory.resolve("test.db");
    try (Database database = Database.open(file, List.of("CREATE TABLE t (x)"), false)) {
      insert(database, 1);
      String sql = "DELETE FROM t RETURNING x";
      assertThatThrownBy(() -> database.rows(sql, Binder.NONE, row -> row.getInt(1)))
          .isInstanceOf(SQLException.class)
          .hasMessageContaining("readonly");
      assertThatThrownBy(
              () -> database.rows("SELECT x FROM t", Binder.NONE, _ -> insert(database, 2)))
          .isInstanceOf(IllegalStateException.class);
      assertThat(numbers(database)).containsExactly(1);
      assertThat(database.changed(sql, Binder.NONE, row -> row.getInt(1))).containsExactly(1);
      assertThat(numbers(database)).isEmpty();
    }
  }

  /** A server ends by a signal or by halt, neither of which deletes it later. */
  @Test
  void nothingOfTheDriverStaysOnDiskOnceItIsLoaded() throws Exception {
    Database.open(directory.resolve("test.db"), List.of(), false).close();
    // proc_pid_maps(5): the file of a mapping that has been unlinked is marked
    assertThat(Files.readAllLines(Path.of("/proc/self/maps")))
        .filteredOn(mapping -> mapping.contains("sqlitejdbc"))
        .isNotEmpty()
        .allMatch(mapping -> mapping.endsWith(" (deleted)"));
  }
}
