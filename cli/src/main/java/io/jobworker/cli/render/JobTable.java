package io.jobworker.cli.render;

import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.cli.render.Screen.Color;
import io.jobworker.cli.render.Table.Cell;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** Jobs, one a line. */
public final class JobTable {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx");

  private JobTable() {}

  /** As {@code list} shows them; {@code wide}: with whole ids, owners, labels and times. */
  public static List<String> lines(
      List<JobStatusResponse> jobs, boolean wide, Instant now, Screen screen, OptionalInt room) {
    Table table =
        wide
            ? new Table("ID", "NAME", "STATUS", "OWNER", "STARTED", "ENDED", "LABELS", "COMMAND")
            : new Table("ID", "NAME", "STATUS", "AGE", "COMMAND");
    for (JobStatusResponse job : jobs) {
      List<Cell> row = new ArrayList<>();
      row.add(Cell.of(wide ? job.getId() : Statuses.shortId(job.getId())));
      row.add(Cell.of(Statuses.name(job)));
      row.add(status(job));
      Instant started = Amounts.instant(job.getCreatedAt());
      if (wide) {
        row.add(Cell.of(Printable.line(job.getOwner())));
        row.add(Cell.of(time(started)));
        row.add(Cell.of(job.hasEndedAt() ? time(Amounts.instant(job.getEndedAt())) : "-"));
        row.add(Cell.of(labels(job)));
      } else {
        row.add(Cell.of(Amounts.age(Duration.between(started, now))));
      }
      row.add(Cell.of(Printable.command(job.getSpec())));
      table.add(row);
    }
    return table.lines(screen, room);
  }

  /** A job's status in its colour. */
  public static Cell status(JobStatusResponse job) {
    return new Cell(Statuses.of(job), color(job));
  }

  static Color color(JobStatusResponse job) {
    return switch (job.getStatus()) {
      case "running" -> Color.GREEN;
      case "stopping" -> Color.YELLOW;
      case "failed", "lost" -> Color.RED;
      default -> Color.DIM;
    };
  }

  private static String time(Instant time) {
    return TIME.format(time.atZone(ZoneId.systemDefault()));
  }

  /** {@code a=1,b=2}; {@code -} if there are none. */
  public static String labels(JobStatusResponse job) {
    Map<String, String> labels = job.getSpec().getLabelsMap();
    return labels.isEmpty()
        ? "-"
        : labels.entrySet().stream()
            .map(label -> Printable.line(label.getKey() + "=" + label.getValue()))
            .sorted()
            .collect(Collectors.joining(","));
  }
}
