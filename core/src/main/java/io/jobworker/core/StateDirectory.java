package io.jobworker.core;

import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.core.job.JobId;
import io.jobworker.core.process.JobDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/** Where everything is kept that outlives this process. */
record StateDirectory(Path path) {
  /** Makes it, with mode 0700, if it is not there. */
  void create() throws IOException {
    Files.createDirectories(jobs(), PrivateFiles.DIRECTORY);
  }

  private Path jobs() {
    return path.resolve("jobs");
  }

  Path database() {
    return path.resolve("jobs.db");
  }

  JobDirectory of(JobId job) {
    return new JobDirectory(jobs().resolve(job.toString()));
  }

  /** All jobs that have a directory, known or not. */
  Set<JobId> withDirectory() throws IOException {
    Set<JobId> ids = new HashSet<>();
    try (var entries = Files.newDirectoryStream(jobs())) {
      for (Path entry : entries) {
        JobId.parse(String.valueOf(entry.getFileName())).ifPresent(ids::add);
      }
    }
    return ids;
  }
}
