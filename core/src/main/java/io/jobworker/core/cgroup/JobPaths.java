package io.jobworker.core.cgroup;

import io.jobworker.base.words.OsString;
import io.jobworker.core.job.Limits.IoLimit;
import io.jobworker.core.job.RunAs;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The paths that a job's I/O limits may mean.
 *
 * @param own the directory that it has of its own
 * @param asked the one that it asked to run in
 * @param rights with whose rights we look at a path that was named to us; empty: with our own
 */
public record JobPaths(Path own, Optional<Path> asked, Optional<RunAs> rights) {
  /** The path that a limit is for. */
  Path of(IoLimit limit) {
    return limit.path().isEmpty() ? asked.orElse(own) : OsString.path(limit.path());
  }

  /** The number of the disk behind it. */
  String disk(IoLimit limit) throws IOException {
    boolean named = !limit.path().isEmpty() || asked.isPresent();
    return BlockDevice.behind(of(limit), rights.filter(_ -> named));
  }
}
