package io.jobworker.cli.render;

import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import java.util.List;
import java.util.Locale;

/** What jobs use, one line a job. */
public final class StatsTable {
  private static final String LINE = "%-36s  %-8s  %9s  %9s  %9s  %9s  %9s  %5s  %s";

  private StatsTable() {}

  public static String header() {
    return LINE.formatted(
        "ID", "STATUS", "CPU", "THROTTLED", "MEMORY", "PEAK", "READ", "PIDS", "WRITTEN");
  }

  public static List<String> lines(List<JobStatusResponse> jobs) {
    return jobs.stream().map(StatsTable::line).toList();
  }

  private static String line(JobStatusResponse job) {
    JobStats usage = job.getUsage();
    return LINE.formatted(
        job.getId(),
        job.getStatus(),
        seconds(usage.getCpuUsec()),
        seconds(usage.getCpuThrottledUsec()),
        size(usage.getMemoryBytes()),
        size(usage.getMemoryPeakBytes()),
        size(usage.getIoReadBytes()),
        usage.getPids(),
        size(usage.getIoWriteBytes()));
  }

  private static String seconds(long micros) {
    return String.format(Locale.ROOT, "%.2fs", micros / 1e6);
  }

  private static String size(long bytes) {
    double value = bytes;
    String units = " KMGTPE";
    int unit = 0;
    while (value >= 1024 && unit < units.length() - 1) {
      value /= 1024;
      unit++;
    }
    return unit == 0
        ? bytes + "B"
        : String.format(Locale.ROOT, "%.1f%ciB", value, units.charAt(unit));
  }
}
