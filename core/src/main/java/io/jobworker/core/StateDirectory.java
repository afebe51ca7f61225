package io.jobworker.core;

import io.jobworker.base.linux.DirectoryLock;
import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.process.JobDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Where everything is kept that outlives this process. */
record StateDirectory(Path path) {
  private static final Logger LOG = LoggerFactory.getLogger(StateDirectory.class);

  private static final String DATABASE = "jobs.db";
  private static final List<String> DATABASE_FILES =
      List.of(DATABASE, DATABASE + "-wal", DATABASE + "-shm");
  private static final String IDENTITY = "identity";
  private static final String JOBS = "jobs";

  /** Makes it, with mode 0700, if it is not there. */
  void create() throws IOException {
    Files.createDirectories(jobs(), PrivateFiles.DIRECTORY);
    Files.createDirectories(trials(), PrivateFiles.DIRECTORY);
  }

  /**
   * Keeps a second process off it. The caller closes it.
   *
   * @throws JobException.Unavailable if there is one
   */
  DirectoryLock lock() throws IOException {
    return DirectoryLock.tryTake(path)
        .orElseThrow(() -> new JobException.Unavailable(DirectoryLock.refusal(path)));
  }

  private Path jobs() {
    return path.resolve(JOBS);
  }

  /** Where jobs are that are started only to see whether that can be done. */
  Path trials() {
    return path.resolve("trials");
  }

  JobDirectory ofTrial(JobId job) {
    return new JobDirectory(trials().resolve(job.toString()));
  }

  Path database() {
    return path.resolve(DATABASE);
  }

  /** Which database the directories of jobs belong to. */
  Path identity() {
    return path.resolve(IDENTITY);
  }

  /** Whether any job has a directory, known or not. */
  boolean hasDirectories() throws IOException {
    try (var entries = Files.newDirectoryStream(jobs())) {
      for (Path entry : entries) {
        if (JobId.parse(String.valueOf(entry.getFileName())).isPresent()) {
          return true;
        }
      }
      return false;
    } catch (NoSuchFileException e) {
      return false; // no server has been here
    }
  }

  /** Moves the database away, if there is one, so that a new one can be made. */
  void setDatabaseAside() throws IOException {
    var _ = moveAside(DATABASE_FILES);
  }

  /** Moves everything away that is kept of jobs, and answers what is there then. */
  StateDirectory setAside() throws IOException {
    List<String> all = new ArrayList<>(DATABASE_FILES);
    all.addAll(List.of(IDENTITY, JOBS, "trash"));
    StateDirectory aside = moveAside(all);
    create();
    return aside;
  }

  private StateDirectory moveAside(List<String> names) throws IOException {
    Path aside = Files.createDirectories(path.resolve("set-aside"), PrivateFiles.DIRECTORY);
    Path to = Files.createTempDirectory(aside, "state-", PrivateFiles.DIRECTORY);
    for (String name : names) {
      Path there = path.resolve(name);
      if (Files.exists(there)) {
        Files.move(there, to.resolve(name), StandardCopyOption.ATOMIC_MOVE);
      }
    }
    LOG.atWarn().addKeyValue("to", to).log("state.set_aside");
    return new StateDirectory(to);
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
