package io.jobworker.core;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.jobworker.core.cgroup.JobCgroup;
import io.jobworker.core.linux.BootId;
import io.jobworker.core.process.ExitRecord;
import io.jobworker.core.process.Monitor;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a job whose main process has ended: nothing of its tree is left, its pipes are drained
 * to the last byte, its end is recorded; then the launcher may go and what only a running job needs
 * is removed. Thread-safe.
 */
final class Ending {
  private static final Logger LOG = LoggerFactory.getLogger(Ending.class);

  /** How long an end waits for its launcher to be gone. */
  private static final Duration LAUNCHER_PATIENCE = Duration.ofSeconds(2);

  private final JobStore store;
  private final Clock clock;
  private final BiConsumer<ActiveJob, String> onRefusal;

  /** {@code onRefusal} hears of a refused system call that the launcher could tell nobody of. */
  Ending(JobStore store, Clock clock, BiConsumer<ActiveJob, String> onRefusal) {
    this.store = store;
    this.clock = clock;
    this.onRefusal = onRefusal;
  }

  /** May be repeated until it succeeds; nothing is lost before, for the launcher waits. */
  JobEnd record(ActiveJob job) throws IOException {
    if (job.cgroup().isPresent()) {
      JobCgroup cgroup = job.cgroup().get();
      cgroup.kill(); // the launcher did; if it vanished, it did not
      cgroup.whenEmpty().join();
    }
    JobEnd end = read(job);
    job.tap().drain().join();
    store.recordEnd(job.id(), end, job.output().end(), job.output().droppedBytes());
    return end;
  }

  /** May be repeated until it succeeds; that the job has ended does not depend on it. */
  void cleanUp(ActiveJob job) throws IOException {
    job.monitor().ifPresent(Monitor::collected);
    job.monitor().ifPresent(Ending::awaitGone);
    if (job.cgroup().isPresent()) {
      job.cgroup().get().remove();
    }
    job.directory().removeRunningFiles();
    store.markCleaned(job.id());
  }

  /**
   * Only so that an ended job leaves no process behind it; that it has ended is certain already.
   */
  private static void awaitGone(Monitor monitor) {
    monitor
        .gone()
        .copy()
        .completeOnTimeout(null, LAUNCHER_PATIENCE.toMillis(), MILLISECONDS)
        .join();
  }

  private JobEnd read(ActiveJob job) {
    String why;
    try {
      Optional<ExitRecord> record = ExitRecord.read(job.directory().path());
      if (record.isPresent()) {
        record.get().refusedCall().ifPresent(call -> onRefusal.accept(job, call));
        return toEnd(record.get(), job);
      }
      why = whyNoRecord(job);
    } catch (IOException e) {
      LOG.atError().addKeyValue("job", job.id()).setCause(e).log("job.exit_record_unreadable");
      why = "its exit record cannot be read";
    }
    return new JobEnd(
        EndReason.LOST,
        OptionalInt.empty(),
        OptionalInt.empty(),
        notBefore(job, clock.instant().truncatedTo(ChronoUnit.MICROS)),
        Usage.NONE,
        why);
  }

  private static String whyNoRecord(ActiveJob job) {
    String boot = job.bootId();
    if (!boot.isEmpty() && !boot.equals(BootId.current())) {
      return "the host was restarted";
    }
    return Files.isDirectory(job.directory().work()) // which nobody makes anew
        ? "its launcher was killed"
        : "its directory is gone";
  }

  /**
   * Everything is dead by now, so the cgroup's counters are final and there is no event to race
   * with.
   */
  private static JobEnd toEnd(ExitRecord record, ActiveJob job) {
    Usage counted = job.cgroup().map(JobCgroup::usage).orElse(Usage.NONE);
    EndReason reason =
        switch (record.cause()) {
          case STOP -> EndReason.STOPPED;
          case TIMEOUT -> EndReason.TIMED_OUT;
          case NONE -> {
            if (record.signal().isEmpty()) {
              yield EndReason.EXITED;
            }
            boolean killed = record.signal().getAsInt() == Signal.KILL.number();
            yield killed && counted.oomKills() > 0 ? EndReason.OOM_KILLED : EndReason.SIGNALED;
          }
        };
    Usage usage =
        new Usage(
            counted.cpu().compareTo(record.cpu()) > 0 ? counted.cpu() : record.cpu(),
            counted.throttled(),
            0,
            Math.max(counted.memoryPeakBytes(), record.peakMemoryBytes()),
            counted.oomKills(),
            Math.max(counted.readBytes(), record.readBytes()),
            Math.max(counted.writtenBytes(), record.writtenBytes()),
            0);
    return new JobEnd(
        reason, record.exitCode(), record.signal(), notBefore(job, record.endedAt()), usage, "");
  }

  /** A clock that was set back must not have a job end before it began. */
  private static Instant notBefore(ActiveJob job, Instant time) {
    return time.isBefore(job.createdAt()) ? job.createdAt() : time;
  }
}
