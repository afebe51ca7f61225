package io.jobworker.base.sqlite;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.base.words.OsString;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
