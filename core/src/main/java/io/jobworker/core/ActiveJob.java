package io.jobworker.core;

import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.JobEvent;
import io.jobworker.core.job.JobId;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.job.JobState;
import io.jobworker.core.job.JobStatus;
import io.jobworker.core.job.Usage;
import io.jobworker.core.output.LogPage;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.JobDirectory;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.store.JobRecord;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A job that this process looks after, until its end is recorded. Thread-safe. */
final class ActiveJob {
  private static final Logger LOG = LoggerFactory.getLogger(ActiveJob.class);

  /** In brief. */
  private final JobRecord record;

  private final Supplier<JobSpec> spec;
  private final JobDirectory directory;
  private final Optional<JobCgroup> cgroup;
  private final OutputLog output;
  private final Optional<LauncherChannel> launcher;
  private final CompletableFuture<@Nullable Void> ended = new CompletableFuture<>();
  private final Callbacks onEnded = new Callbacks();
  private final AtomicReference<@Nullable InputWriter> writer = new AtomicReference<>();
  private final AtomicBoolean refusalTold = new AtomicBoolean();
  private final AtomicLong killAt = new AtomicLong(Long.MAX_VALUE);
  private volatile boolean stopping;
  private volatile String trouble = "";
  private volatile Optional<Ending.Outcome> outcome = Optional.empty();

  /**
   * {@code launcher} is empty for a job whose launcher did not outlive the server before this one.
   *
   * @param store for what of the record is too large to be held
   */
  ActiveJob(
      JobRecord record,
      JobStore store,
      JobDirectory directory,
      Optional<JobCgroup> cgroup,
      OutputLog output,
      Optional<LauncherChannel> launcher) {
    this.record = record.inBrief();
    JobId id = record.id();
    JobSpec whole = record.spec();
    this.spec = record.isSmall() ? () -> whole : () -> store.spec(id);
    this.directory = directory;
    this.cgroup = cgroup;
    this.output = output;
    this.launcher = launcher;
    this.stopping = record.stopping();
  }

  JobId id() {
    return record.id();
  }

  String owner() {
    return record.owner();
  }

  Instant createdAt() {
    return record.createdAt();
  }

  /** Of the host when the job started. */
  String bootId() {
    return record.bootId();
  }

  JobRecord record() {
    return record;
  }

  /** What of its spec is of no size. */
  JobSpec spec() {
    return record.spec();
  }

  JobDirectory directory() {
    return directory;
  }

  Optional<JobCgroup> cgroup() {
    return cgroup;
  }

  OutputLog output() {
    return output;
  }

  Optional<LauncherChannel> launcher() {
    return launcher;
  }

  /** Completes after the end is recorded; then {@link #status} is final. */
  CompletableFuture<@Nullable Void> ended() {
    return ended;
  }

  /** There is one writer of the job's stdin at a time; returns the one before. */
  Optional<InputWriter> replaceWriter(InputWriter now) {
    return Optional.ofNullable(writer.getAndSet(now));
  }

  void forgetWriter(InputWriter gone) {
    writer.compareAndSet(gone, null);
  }

  /** Calls once when {@link #ended} is complete. */
  Registration onEnded(Runnable call) {
    Registration registration = onEnded.add(call);
    if (ended.isDone()) {
      onEnded.callFinally(); // whoever completed it may not have seen this one
    }
    return registration;
  }

  /** Its end is published. */
  void completeEnd() {
    ended.complete(null);
    onEnded.callFinally();
  }

  /** How many wait for the end. */
  int waiting() {
    return onEnded.size();
  }

  /** Tells, once, that the job was refused a system call. */
  void tellRefusal(String call, JobEvents events) {
    if (refusalTold.compareAndSet(false, true)) {
      events.publish(new JobEvent.CallRefused(statusInBrief(), call));
    }
  }

  boolean isStopping() {
    return stopping;
  }

  void markStopping() {
    stopping = true;
  }

  /** Whether nobody is to kill it in so little time already; then whoever asks is. */
  boolean isToBeKilledSoonerThanBefore(Duration time) {
    long at = System.nanoTime() + time.toNanos();
    return at < killAt.getAndAccumulate(at, Math::min);
  }

  /** Its end has come, and cannot be seen to yet. */
  void markTroubled(Exception why) {
    trouble = "it has ended; how, cannot be told yet: " + why.getMessage();
  }

  void markEnded(Ending.Outcome how) {
    outcome = Optional.of(how);
  }

  /** What it uses now, or has used in all; unknown if that cannot be told now. */
  Usage usage() {
    return outcome.map(how -> how.end().usage()).orElseGet(this::usageNow);
  }

  private Usage usageNow() {
    if (cgroup.isEmpty()) {
      return Usage.NONE;
    }
    try {
      return cgroup.get().usage();
    } catch (IOException e) {
      LOG.atDebug().addKeyValue("job", id()).setCause(e).log("job.usage_unknown");
      return Usage.UNKNOWN;
    }
  }

  /**
   * All of it.
   *
   * @throws io.jobworker.core.job.JobException if that cannot be told now
   */
  JobStatus status() {
    return status(spec.get());
  }

  /** The same with {@link #spec}, which can always be told. */
  JobStatus statusInBrief() {
    return status(record.spec());
  }

  /** The same with its spec as somebody has it at hand. */
  JobStatus status(JobSpec whole) {
    Optional<JobEnd> how = outcome.map(Ending.Outcome::end);
    LogPage log = outcome.map(Ending.Outcome::log).orElseGet(output::state);
    JobState state = how.map(JobEnd::state).orElse(stopping ? JobState.STOPPING : JobState.RUNNING);
    return new JobStatus(
        record.id(),
        record.owner(),
        whole,
        state,
        record.createdAt(),
        record.mainPid(),
        how,
        log.end(),
        log.end() - log.kept(),
        how.isPresent() ? "" : trouble);
  }
}
