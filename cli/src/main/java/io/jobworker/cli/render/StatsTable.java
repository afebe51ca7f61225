package io.jobworker.cli.render;

import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.render.Table.Cell;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;

/** What jobs use, one line a job. */
public final class StatsTable {
  private static final String NOT_MEASURED = "-";

  /** What to sort by; of figures the largest first. */
  public enum Order {
    /** The newest job first. */
    AGE,
    NAME,
    CPU,
    MEMORY,
    PIDS,
    READ,
    WRITE,
    OUTPUT
  }

  /**
   * One job.
   *
   * @param now what is known of it
   * @param before what was, some time ago; empty: this is the first time
   */
  public record Figures(JobStatusResponse now, Optional<JobStatusResponse> before) {
    /** In one second, by the figures' own times; negative if it is not known. */
    private double rate(String field, java.util.function.ToLongFunction<JobStatusResponse> of) {
      if (before.isEmpty() || Statuses.isFinal(now) || !new Measures(now).has(field)) {
        return -1;
      }
      double seconds =
          Duration.between(
                      Amounts.instant(before.get().getUsage().getTime()),
                      Amounts.instant(now.getUsage().getTime()))
                  .toNanos()
              / 1e9;
      return seconds <= 0
          ? -1
          : Math.max(0, (of.applyAsLong(now) - of.applyAsLong(before.get())) / seconds);
    }

    private double cpu() {
      return rate("cpu_usec", job -> job.getUsage().getCpuUsec()) / 1e6;
    }

    private double read() {
      return rate("io_read_bytes", job -> job.getUsage().getIoReadBytes());
    }

    private double write() {
      return rate("io_write_bytes", job -> job.getUsage().getIoWriteBytes());
    }

    private double output() {
      return rate("output_total_bytes", JobStatusResponse::getOutputTotalBytes);
    }
  }

  private StatsTable() {}

  /** All lines, the headings first. */
  public static List<String> lines(
      List<Figures> jobs, Order order, Screen screen, OptionalInt room) {
    Table table =
        Table.ofFigures(
            "ID", "NAME", "STATUS", "CPU", "MEMORY", "PIDS", "READ/s", "WRITE/s", "OUTPUT/s");
    jobs.stream().sorted(comparator(order)).forEach(job -> table.add(row(job)));
    return table.lines(screen, room);
  }

  private static Comparator<Figures> comparator(Order order) {
    return switch (order) {
      case AGE -> (_, _) -> 0; // they come so
      case NAME -> Comparator.comparing(job -> job.now().getSpec().getName());
      case CPU -> Comparator.comparingDouble(Figures::cpu).reversed();
      case MEMORY ->
          Comparator.<Figures>comparingLong(job -> job.now().getUsage().getMemoryBytes())
              .reversed();
      case PIDS ->
          Comparator.<Figures>comparingLong(job -> job.now().getUsage().getPids()).reversed();
      case READ -> Comparator.comparingDouble(Figures::read).reversed();
      case WRITE -> Comparator.comparingDouble(Figures::write).reversed();
      case OUTPUT -> Comparator.comparingDouble(Figures::output).reversed();
    };
  }

  private static List<Cell> row(Figures figures) {
    JobStatusResponse job = figures.now();
    return List.of(
        Cell.of(Statuses.shortId(job.getId())),
        Cell.of(Statuses.name(job)),
        JobTable.status(job),
        Cell.of(percent(figures.cpu())),
        Cell.of(memory(job)),
        Cell.of(pids(job)),
        Cell.of(size(figures.read())),
        Cell.of(size(figures.write())),
        Cell.of(size(figures.output())));
  }

  private static String percent(double cpus) {
    return cpus < 0 ? NOT_MEASURED : String.format(Locale.ROOT, "%.0f%%", cpus * 100);
  }

  private static String memory(JobStatusResponse job) {
    if (Statuses.isFinal(job) || !new Measures(job).has("memory_bytes")) {
      return NOT_MEASURED;
    }
    JobStats usage = job.getUsage();
    long limit = job.getSpec().getLimits().getMemoryBytes();
    String used = Amounts.size(usage.getMemoryBytes());
    return limit <= 0
        ? used
        : used
            + " / "
            + Amounts.size(limit)
            + String.format(Locale.ROOT, " %.0f%%", 100.0 * usage.getMemoryBytes() / limit);
  }

  private static String pids(JobStatusResponse job) {
    if (Statuses.isFinal(job) || !new Measures(job).has("pids")) {
      return NOT_MEASURED;
    }
    int limit = job.getSpec().getLimits().getPids();
    return job.getUsage().getPids() + (limit == 0 ? "" : "/" + limit);
  }

  private static String size(double rate) {
    return rate < 0 ? NOT_MEASURED : Amounts.size((long) rate);
  }
}
