package io.jobworker.cli.render;

import io.jobworker.api.v1.JobStatusResponse;
import java.util.Map;

/** How jobs are called, and how they are, in a few words. */
public final class Statuses {
  private static final int SHORT_ID = 8;

  /** As signal(7) has them on x86-64 and aarch64. */
  private static final Map<Integer, String> SIGNALS =
      Map.ofEntries(
          Map.entry(1, "SIGHUP"),
          Map.entry(2, "SIGINT"),
          Map.entry(3, "SIGQUIT"),
          Map.entry(4, "SIGILL"),
          Map.entry(5, "SIGTRAP"),
          Map.entry(6, "SIGABRT"),
          Map.entry(7, "SIGBUS"),
          Map.entry(8, "SIGFPE"),
          Map.entry(9, "SIGKILL"),
          Map.entry(10, "SIGUSR1"),
          Map.entry(11, "SIGSEGV"),
          Map.entry(12, "SIGUSR2"),
          Map.entry(13, "SIGPIPE"),
          Map.entry(14, "SIGALRM"),
          Map.entry(15, "SIGTERM"),
          Map.entry(24, "SIGXCPU"),
          Map.entry(25, "SIGXFSZ"),
          Map.entry(31, "SIGSYS"));

  private Statuses() {}

  /** The id's first eight characters, by which people know it. */
  public static String shortId(String id) {
    return id.substring(0, Math.min(SHORT_ID, id.length()));
  }

  /** What somebody typed, at a length that can be read. */
  public static String typed(String word) {
    String shown = Printable.line(word);
    return shown.length() <= 64 ? shown : shown.substring(0, 64) + "...";
  }

  /** A job's name, or what stands for none. */
  public static String name(JobStatusResponse job) {
    String name = job.getSpec().getName();
    return name.isEmpty() ? "-" : Printable.line(name);
  }

  public static String nameAndStatus(JobStatusResponse job) {
    return job.getSpec().getName().isEmpty() ? of(job) : name(job) + ", " + of(job);
  }

  /** {@code running}, {@code exited 0}, {@code failed: out of memory (256M)}. */
  public static String of(JobStatusResponse job) {
    String how = how(job);
    if (how.isEmpty()) {
      return job.getStatus();
    }
    return job.getStatus().equals("exited")
        ? job.getStatus() + " " + job.getExitCode()
        : job.getStatus() + ": " + how;
  }

  /** How it ended, beyond what its status says; empty if that says it all. */
  static String how(JobStatusResponse job) {
    return switch (job.getReason()) {
      case REASON_EXITED -> "exit code " + job.getExitCode();
      case REASON_SIGNALED -> signal(job.getSignal());
      case REASON_OOM_KILLED ->
          job.getSpec().getLimits().getMemoryBytes() == 0
              ? "out of memory"
              : "out of memory (" + Amounts.size(job.getSpec().getLimits().getMemoryBytes()) + ")";
      case REASON_TIMED_OUT -> "timed out";
      case REASON_STOPPED -> job.hasExitCode() ? "exit code " + job.getExitCode() : "";
      case REASON_LOST -> job.getDetail().isEmpty() ? "" : Printable.line(job.getDetail());
      case REASON_NEVER_STARTED ->
          job.getDetail().isEmpty()
              ? "never started"
              : "never started (" + Printable.line(job.getDetail()) + ")";
      case REASON_UNSPECIFIED, UNRECOGNIZED -> "";
    };
  }

  /** {@code SIGSEGV}, or {@code signal 40} of one without a name. */
  public static String signal(int number) {
    return SIGNALS.getOrDefault(number, "signal " + number);
  }

  /** Whether it has ended. */
  public static boolean isFinal(JobStatusResponse job) {
    return !job.getStatus().equals("running") && !job.getStatus().equals("stopping");
  }
}
