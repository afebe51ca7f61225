package io.jobworker.core;

import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.jobworker.base.linux.BootId;
import io.jobworker.core.job.EndReason;
import io.jobworker.core.job.JobEnd;
import io.jobworker.core.job.Usage;
import io.jobworker.core.output.LogPage;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.ExitRecord;
import io.jobworker.core.process.ExitRecord.Counters;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.process.Strays;
import io.jobworker.core.store.JobStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The end of a job whose main process has ended: nothing of its tree is left, its log is complete,
 * its end is recorded; then what only a running job needs is removed. Thread-safe.
 */
final class Ending {
  private static final Logger LOG = LoggerFactory.getLogger(Ending.class);

  /** How long an end waits for its launcher to be gone, and for what a killed one leaves behind. */
  private static final Duration LAUNCHER_PATIENCE = Duration.ofSeconds(2);

  /** What was killed ends at once, but for what waits for a device or has much memory to free. */
  private static final Duration KILL_PATIENCE = Duration.ofSeconds(10);

  private static final Counters NOTHING = new Counters(Duration.ZERO, Duration.ZERO, 0, 0, 0, 0);

  /** How a job ended, and what there is of its output. */
  record Outcome(JobEnd end, LogPage log) {}

  private final JobStore store;
  private final Clock clock;
  private final JobEvents events;
  private final String bootId = BootId.current();

  Ending(JobStore store, Clock clock, JobEvents events) {
    this.store = store;
    this.clock = clock;
    this.events = events;
  }

  /** May be repeated until it succeeds; nothing is lost before, for the record stays. */
  Outcome record(ActiveJob job) throws IOException, InterruptedException {
    if (job.cgroup().isPresent()) {
      job.cgroup().get().end(KILL_PATIENCE); // the launcher did; if it vanished, it did not
    }
    Outcome outcome = read(job);
    LogPage log = outcome.log();
    store.recordEnd(job.id(), outcome.end(), log.end(), log.end() - log.kept());
    return outcome;
  }

  /** May be repeated until it succeeds; that the job has ended does not depend on it. */
  void cleanUp(ActiveJob job) throws IOException, InterruptedException {
    job.launcher().ifPresent(LauncherChannel::forgetOutput);
    job.launcher().ifPresentOrElse(Ending::awaitGone, LauncherChannel::reapDetached);
    if (job.cgroup().isPresent()) {
      job.cgroup().get().remove(LAUNCHER_PATIENCE);
    }
    job.directory().removeRunningFiles();
    store.markCleaned(job.id());
  }

  /**
   * Only so that an ended job leaves no process behind it; that it has ended is certain already.
   */
  private static void awaitGone(LauncherChannel launcher) {
    launcher
        .gone()
        .copy()
        .completeOnTimeout(null, LAUNCHER_PATIENCE.toMillis(), MILLISECONDS)
        .join();
  }

  private Outcome read(ActiveJob job) throws IOException, InterruptedException {
    String why;
    try {
      Optional<ExitRecord> record = finalRecord(job.directory().path());
      if (record.isPresent()) {
        // The launcher may have had nobody to tell of it.
        record.get().refusedCall().ifPresent(call -> job.tellRefusal(call, events));
        return new Outcome(toEnd(record.get(), job), log(record.get(), job));
      }
      why = whyNoRecord(job);
      if (job.cgroup().isEmpty()) {
        Strays.end(job.id(), KILL_PATIENCE);
      }
    } catch (ExitRecord.Damaged e) {
      LOG.atError().addKeyValue("job", job.id()).setCause(e).log("job.exit_record_damaged");
      why = "its exit record is damaged";
    }
    JobEnd end =
        new JobEnd(
            EndReason.LOST,
            OptionalInt.empty(),
            OptionalInt.empty(),
            notBefore(job, clock.instant().truncatedTo(ChronoUnit.MICROS)),
            Usage.NONE,
            why);
    return new Outcome(end, lastWord(job.output()));
  }

  /** The record, or that there will be none. */
  private static Optional<ExitRecord> finalRecord(Path directory) throws IOException {
    Optional<ExitRecord> record = ExitRecord.read(directory);
    if (record.isPresent()) {
      return record;
    }
    if (LauncherChannel.isAlive(directory)) {
      throw new IOException("its launcher lives, and cannot be heard"); // it will write one
    }
    return ExitRecord.read(directory); // it may have written one and gone, between the two looks
  }

  /** What the record says of the log; the page may know of more, which nobody has waited for. */
  private static LogPage log(ExitRecord record, ActiveJob job) {
    ExitRecord.Log log = record.log().orElse(new ExitRecord.Log(0, 0, true));
    return LogPage.finished(log.end(), job.output().start(), log.keptBytes());
  }

  /** A launcher that was killed leaves its capture, which sees to the rest and goes. */
  private static LogPage lastWord(OutputLog output) {
    output
        .writerFinished()
        .completeOnTimeout(false, LAUNCHER_PATIENCE.toMillis(), MILLISECONDS)
        .join();
    return output.state();
  }

  private String whyNoRecord(ActiveJob job) {
    String boot = job.bootId();
    if (!boot.isEmpty() && !boot.equals(bootId)) {
      return "the host was restarted";
    }
    return Files.isDirectory(job.directory().work()) // which nobody makes anew
        ? "its launcher was killed"
        : "its directory is gone";
  }

  private static JobEnd toEnd(ExitRecord record, ActiveJob job) {
    Counters counted = record.cgroup().orElse(NOTHING);
    EndReason reason =
        EndReasons.of(record.cause(), record.signal(), counted.oomKills(), job.isStopping());
    Usage usage =
        new Usage(
            Duration.ofNanos(most(counted.cpu().toNanos(), record.cpu().toNanos())),
            counted.throttled(),
            0,
            most(counted.peakMemoryBytes(), record.peakMemoryBytes()),
            counted.oomKills(),
            most(counted.readBytes(), record.readBytes()),
            most(counted.writtenBytes(), record.writtenBytes()),
            0);
    return new JobEnd(
        reason,
        record.exitCode(),
        record.signal(),
        notBefore(job, record.endedAt()),
        usage,
        detail(record, reason, counted));
  }

  /** What was counted for the cgroup may be less than what the main process alone has used. */
  private static long most(long counted, long byMainProcess) {
    return counted < 0 ? counted : Math.max(counted, byMainProcess);
  }

  private static String detail(ExitRecord record, EndReason reason, Counters counted) {
    if (record.log().isEmpty()) {
      return "a server of a later version has ended it";
    }
    List<String> details = new ArrayList<>();
    if (!record.log().get().complete()) {
      details.add("the end of its output is missing");
    }
    if (counted.oomKills() < 0 && reason == EndReason.SIGNALED) {
      details.add("whether that was for want of memory could not be read");
    }
    return String.join("; ", details);
  }

  /** A clock that was set back must not have a job end before it began. */
  private static Instant notBefore(ActiveJob job, Instant time) {
    return time.isBefore(job.createdAt()) ? job.createdAt() : time;
  }
}
