package io.jobworker.core;

import io.jobworker.base.linux.Fd;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.JobSpec;
import io.jobworker.core.output.JobOutput;
import io.jobworker.core.output.LogPage;
import io.jobworker.core.output.OutputLog;
import io.jobworker.core.process.JobDirectory;
import io.jobworker.core.process.LauncherChannel;
import io.jobworker.core.store.JobRecord;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** Opens the logs of jobs, as far as each can be known. Thread-safe. */
final class JobLogs {
  private final JobsConfig.Output settings;
  private final StateDirectory state;
  private final Admission admission;

  JobLogs(JobsConfig.Output settings, StateDirectory state, Admission admission) {
    this.settings = settings;
    this.state = state;
    this.admission = admission;
  }

  /** How much is kept of the output of such a job. */
  long retainBytes(JobSpec spec) {
    return spec.outputRetain().orElse(settings.retain()).bytes();
  }

  /** How long a job waits for its readers when its log is full; empty: it does not. */
  Optional<Duration> blockFor() {
    return switch (settings.onFull()) {
      case OVERWRITE -> Optional.empty();
      case BLOCK -> Optional.of(settings.stallLimit());
    };
  }

  /**
   * The log of a job that runs, as its launcher's page tells of it.
   *
   * @param patience how long the page may take to come
   */
  OutputLog ofRunning(JobRecord job, LauncherChannel launcher, Duration patience)
      throws IOException {
    LogPage page;
    try (Fd memory = launcher.awaitOutput(patience)) {
      page = LogPage.of(memory);
    }
    OutputLog output =
        OutputLog.running(
            state.of(job.id()).output(),
            page,
            settings.onFull(),
            settings.stallLimit(),
            admission.of(job.owner()).output(),
            launcher::look);
    launcher.onWake(output::woken);
    output.woken(); // what was said before is not said again
    return output;
  }

  /** The log of a job whose launcher is gone and whose end is not recorded. */
  OutputLog ofOrphan(JobRecord job) throws IOException {
    JobDirectory directory = state.of(job.id());
    LogPage last;
    try {
      last = OutputLog.lastState(directory.output());
    } catch (OutputLog.UnknownVersion e) {
      last = LogPage.finished(0, 0, 0); // nobody can read it
    }
    return OutputLog.running(
        directory.output(),
        last,
        OutputLog.OnFull.OVERWRITE,
        Duration.ZERO,
        admission.of(job.owner()).output(),
        () -> {});
  }

  /**
   * The output of a job whose end is recorded.
   *
   * @throws JobException.WrongState if an earlier version has written it, which nobody reads now
   * @throws JobException.Unavailable if it cannot be read
   */
  JobOutput ofEnded(JobRecord job) {
    try {
      long kept = job.outputBytes() - job.outputDroppedBytes();
      return OutputLog.finished(state.of(job.id()).output(), job.outputBytes(), kept);
    } catch (OutputLog.UnknownVersion e) {
      throw new JobException.WrongState(
          "the job's output was written by an earlier version, and this one cannot read it");
    } catch (IOException e) {
      throw new JobException.Unavailable("the job's output cannot be read", e);
    }
  }
}
