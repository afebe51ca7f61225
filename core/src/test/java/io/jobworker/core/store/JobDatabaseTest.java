package io.jobworker.core.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.jobworker.base.sqlite.Database.Binder;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobDatabaseTest {
  private static final int NORMAL = 1; // sqlite.org, PRAGMA synchronous
  private static final int FULL = 2;

  @TempDir Path directory;

  private int synchronous(boolean durable) throws Exception {
    try (JobDatabase database = JobDatabase.open(directory.resolve("jobs.db"), durable)) {
      return database
          .changedSurely("PRAGMA synchronous", Binder.NONE, row -> row.getInt(1)) // as who writes
          .getFirst();
    }
  }

  @Test
  void everyCommitWaitsForTheDiskWhereThatIsAskedForAndNoneOtherwise() throws Exception {
    assertThat(synchronous(true)).isEqualTo(FULL);
    assertThat(synchronous(false)).isEqualTo(NORMAL);
  }
}
