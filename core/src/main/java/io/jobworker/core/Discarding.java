package io.jobworker.core;

import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.process.JobDirectory;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Removes what nobody will hear of any more. Thread-safe. */
record Discarding(Insistence insistence, Trash trash) {
  private static final Logger LOG = LoggerFactory.getLogger(Discarding.class);
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(2);

  /** Kills what runs, and removes the files; if need be later. */
  void discard(JobDirectory directory, Optional<JobCgroup> cgroup) {
    insistence.insist("job.not_discarded", directory.path(), () -> discardNow(directory, cgroup));
  }

  /** Removes a job's output only, or leaves it to go with the job. */
  void discardOutput(JobDirectory directory) {
    try {
      trash.discardOutput(directory);
    } catch (IOException e) {
      LOG.atWarn()
          .addKeyValue("directory", directory.path())
          .setCause(e)
          .log("job.output_not_discarded");
    }
  }

  /** What {@link #discard} does, at once, or not. May be repeated. */
  void discardNow(JobDirectory directory, Optional<JobCgroup> cgroup)
      throws IOException, InterruptedException {
    end(cgroup);
    trash.discard(directory);
  }

  /** Kills what runs, and removes its cgroup. May be repeated. */
  void end(Optional<JobCgroup> cgroup) throws IOException, InterruptedException {
    if (cgroup.isPresent()) {
      cgroup.get().end(KILL_PATIENCE);
      cgroup.get().remove(KILL_PATIENCE);
    }
  }
}
