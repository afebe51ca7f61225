package io.jobworker.core;

import io.jobworker.core.job.JobChange;
import io.jobworker.core.job.JobException;
import java.util.List;
import java.util.Optional;

/**
 * What has happened to jobs, in order, also before this process began; of each owner's as much as
 * {@link JobsConfig.History} says. Nothing is queued for whoever looks: each remembers the revision
 * that it has seen. Thread-safe; what looks may block for as long as the disk does.
 */
public interface JobChanges {
  /** The revision after which nothing has happened yet. */
  long newest();

  /**
   * Changes after {@code revision}, from the first on. None of a job's end before the job says that
   * it has ended.
   *
   * @param owner of whose jobs; empty: of everybody's
   * @throws JobException.RevisionForgotten if some of them are not kept, or the revision is none
   *     that was given here
   */
  List<JobChange> after(long revision, Optional<String> owner, int limit);

  /** Has {@code call}, which must not block, called after changes, more or less often than each. */
  Registration onMore(Optional<String> owner, Runnable call);
}
