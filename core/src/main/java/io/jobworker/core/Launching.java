package io.jobworker.core;

import static java.util.Objects.requireNonNull;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.words.OsString;
import io.jobworker.core.job.JobException;
import io.jobworker.core.process.LaunchFailure;
import io.jobworker.core.process.LaunchPlan;
import io.jobworker.core.process.LauncherBinary;
import io.jobworker.core.process.LauncherChannel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Has a launcher execute a job's program, and says in the library's terms why it could not. */
final class Launching {
  private static final Logger LOG = LoggerFactory.getLogger(Launching.class);

  /** How long a launcher that is not wanted any more may take to go. */
  private static final Duration DISMISSAL_PATIENCE = Duration.ofSeconds(2);

  /** The errnos by which the host says that it is out of something. */
  private static final Set<Integer> SHORTAGES =
      Set.of(
          Errno.EAGAIN,
          Errno.ENOMEM,
          Errno.EMFILE,
          Errno.ENFILE,
          Errno.ENOSPC,
          Errno.EDQUOT,
          Errno.EPIPE);

  private static final Pattern CONTROL = Pattern.compile("\\p{Cntrl}");

  private final Path binary;
  private final EventLoop control;
  private final Duration patience;

  Launching(Path binary, EventLoop control, Duration patience) {
    this.binary = binary;
    this.control = control;
    this.patience = patience;
  }

  /** How long a launch may take. */
  Duration patience() {
    return patience;
  }

  /** Starts a launcher; one whose binary somebody has damaged or deleted is unpacked anew. */
  LauncherChannel spawn(LaunchPlan plan) throws IOException {
    try {
      return LauncherChannel.spawn(binary, plan, control);
    } catch (LinuxException e) {
      if (e.errno() != Errno.ENOEXEC && e.errno() != Errno.ENOENT) {
        throw e;
      }
      LOG.atWarn().addKeyValue("launcher", binary).setCause(e).log("launcher.unpacked_anew");
      return LauncherChannel.spawn(
          LauncherBinary.unpack(requireNonNull(binary.getParent())), plan, control);
    }
  }

  /**
   * Waits until the job's program is executing; returns its PID.
   *
   * @throws JobException if it could not be executed, now or ever
   */
  int awaitStarted(LauncherChannel launcher, LaunchPlan plan) {
    try {
      return launcher.started().get(patience.toMillis(), MILLISECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof LaunchFailure failure
          ? failed(failure, plan)
          : new JobException.Unavailable("the launcher failed", e);
    } catch (TimeoutException e) {
      throw new JobException.Unavailable(
          "the launch took longer than " + patience.toSeconds() + " s");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new JobException.Unavailable("interrupted while starting the job");
    }
  }

  /** Whether the host is out of something, which it may have again. */
  static boolean isShortage(int errno) {
    return SHORTAGES.contains(errno);
  }

  /** In a few words, of a launch that failed without anybody being told. */
  static String describe(LaunchFailure failure) {
    return failure.step() + ": " + Errno.describe(failure.errno());
  }

  private static JobException failed(LaunchFailure failure, LaunchPlan plan) {
    String program = OsString.escaped(plan.command().getFirst());
    String reason =
        failure
            .missingInterpreter()
            .map(name -> "its interpreter is missing: " + visible(name))
            .orElseGet(() -> Errno.describe(failure.errno()));
    if (!failure.step().equals(LaunchPlan.EXEC) && isShortage(failure.errno())) {
      return new JobException.Unavailable(
          "the job could not be started now: " + failure.step() + ": " + reason);
    }
    String subject =
        switch (failure.step()) {
          case LaunchPlan.EXEC -> program;
          case LaunchPlan.CHDIR -> OsString.escaped(plan.runsIn());
          default -> "for " + program;
        };
    return new JobException.LaunchFailed(failure.step(), failure.errno(), reason, subject);
  }

  /**
   * With {@code \x0d} for the carriage return that a script from elsewhere has there, and the like.
   */
  private static String visible(String name) {
    return CONTROL
        .matcher(OsString.escaped(name))
        .replaceAll(found -> "\\\\x" + HexFormat.of().toHexDigits((byte) found.group().charAt(0)));
  }

  /** Ends a launcher whose job nobody will hear of; returns whether it is gone. */
  boolean abandon(LauncherChannel launcher) {
    try {
      launcher.dismiss().get(DISMISSAL_PATIENCE.toMillis(), MILLISECONDS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.atError().setCause(e).log("launcher.not_gone");
    } finally {
      launcher.forgetOutput();
    }
    return false;
  }
}
