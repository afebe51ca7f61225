package io.jobworker.core;

import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobPage;
import io.jobworker.core.job.JobQuery;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.StartRequest;
import io.jobworker.core.store.JobDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The front door: starts jobs and finds them.
 *
 * <ul>
 *   <li>A job that {@link #start} has answered for is known until it is removed, whatever happens
 *       to this process.
 *   <li>Closing this leaves running jobs running; whoever opens the same directory next takes them
 *       up where they are.
 *   <li>When a job's end is visible, its output is complete; when its output ends, its end is
 *       visible.
 * </ul>
 *
 * <p>Thread-safe. Methods may block for as long as they say and are best called on virtual threads.
 * What can go wrong with a request is a {@link JobException}.
 */
public interface Jobs extends AutoCloseable {
  /**
   * Opens the jobs of this host in the configured directory, and begins to take up those that
   * another process has left running there; whoever asks for one of them meanwhile waits for it.
   * The caller closes it. If it fails, nothing of it is left: no thread, no descriptor and no lock.
   *
   * @param listeners hear of what happens to all of them, each in this order
   * @throws JobException.Unavailable if the directory is in use or cannot be used
   */
  static Jobs open(JobsConfig config, JobListener... listeners) {
    return LocalJobs.open(config, List.of(listeners));
  }

  /**
   * Lets go of the room that is kept for jobs that run, if the disk is full: for a program that may
   * need some before it comes to opening them.
   */
  static void makeRoom(JobsConfig config) {
    JobDatabase.makeRoom(new StateDirectory(config.stateDirectory()).database());
  }

  /**
   * Starts a job and returns when its program is executing.
   *
   * @return the job; for a repeated {@link JobSpec#requestId} of the same owner the first one's,
   *     and for a repeated {@link StartRequest#assignment} likewise
   * @throws JobException.IdTaken if the job with the assigned id is another owner's, or another
   *     attempt's
   */
  Job start(StartRequest request);

  /**
   * The job with this id.
   *
   * @throws JobException.NoSuchJob if there is none
   */
  Job find(JobId id);

  /**
   * The job with this id, for somebody who may reach those of some owners only. What is refused is
   * found out by the same reads, whether there is such a job or not.
   *
   * @throws JobException.NoSuchJob if there is none, or one of another owner's
   */
  Job find(JobId id, Predicate<String> reachable);

  /** Jobs, from the newest on, a page at a time. */
  JobPage list(JobQuery query);

  /** What happens to jobs, for whoever must not miss any of it. */
  JobChanges changes();

  /**
   * Stops all jobs that run, each with {@code grace}, and returns when they have ended; at the
   * latest as {@link Job#stop} does. From then on no job can be started.
   */
  void stopAll(Duration grace);

  /** Completes when all that another process has left behind has been looked at. */
  CompletableFuture<@Nullable Void> recovered();

  /** Why no job at all is started now, as on a full disk; empty: nothing is known against it. */
  Optional<String> startProblem();

  /** The cgroup controllers that jobs can be limited by here. */
  Set<String> controllers();

  /** Why limits and whole-tree kills by cgroup are not to be had; empty if they are. */
  Optional<String> cgroupProblem();

  /**
   * Keeps jobs that share this process's network from binding ports, in place of those that were
   * kept from them before, and also when this process is gone, until the next says otherwise.
   *
   * @return why that cannot be done
   */
  Optional<String> reservePorts(Set<Integer> ports);

  /** For how many of the jobs that run capture has been at a pipe for longer than it should. */
  long stuckCaptures();

  /**
   * How many ends, removals and the like could not be seen to at once, for want of descriptors or
   * room on a disk, say, and are tried again.
   */
  long unfinished();

  /** Stops looking after the jobs. Those that run go on, and do not notice. Idempotent. */
  @Override
  void close();
}
