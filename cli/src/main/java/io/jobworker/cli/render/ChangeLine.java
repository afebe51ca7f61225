package io.jobworker.cli.render;

import io.jobworker.api.v1.JobStatusResponse;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;

/** What has happened to a job, in a line. */
public final class ChangeLine {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

  private ChangeLine() {}

  public static String of(JobStatusResponse change, Screen screen) {
    return String.join(
        "  ",
        TIME.format(Amounts.instant(change.getChangedAt()).atZone(ZoneId.systemDefault())),
        Statuses.shortId(change.getId()),
        Statuses.name(change),
        change.getRemoved()
            ? screen.paint(Screen.Color.DIM, "removed")
            : screen.paint(JobTable.color(change), Statuses.of(change)));
  }
}
