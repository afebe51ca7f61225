package io.jobworker.cli.render;

import io.jobworker.api.v1.JobStatusResponse;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.OptionalInt;

/** What has happened to a job, in a line. */
public final class ChangeLine {
  private static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

  private static final String GAP = "  ";
  private static final int MIN_NAME_WIDTH = 8;

  private ChangeLine() {}

  /** No longer than {@code room}, if there is a limit: the name gives way first. */
  public static String of(JobStatusResponse change, Screen screen, OptionalInt room) {
    String time =
        TIME.format(Amounts.instant(change.getChangedAt()).atZone(ZoneId.systemDefault()));
    String begin = time + GAP + Statuses.shortId(change.getId()) + GAP;
    String name = Statuses.name(change);
    String what = change.getRemoved() ? "removed" : Statuses.of(change);
    if (room.isPresent()) {
      int left = room.getAsInt() - begin.length() - GAP.length();
      name = Table.cut(name, Math.max(MIN_NAME_WIDTH, left - Table.width(what)));
      what = Table.cut(what, Math.max(1, left - Table.width(name)));
    }
    Screen.Color color = change.getRemoved() ? Screen.Color.DIM : JobTable.color(change);
    return begin + name + GAP + screen.paint(color, what);
  }
}
