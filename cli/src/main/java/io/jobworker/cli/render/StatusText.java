package io.jobworker.cli.render;

import io.jobworker.api.v1.IoLimit;
import io.jobworker.api.v1.Isolation;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStats;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.Limits;
import io.jobworker.base.words.OsString;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/** A job's status, for people. */
public final class StatusText {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss xxx");

  private static final int INDENT = 10;

  private StatusText() {}

  /** Some lines, the newest output last, which alone is as wide as it is. */
  public static String of(JobStatusResponse job, Screen screen) {
    return of(job, screen, screen.width(), Instant.now(), ZoneId.systemDefault());
  }

  static String of(
      JobStatusResponse job, Screen screen, OptionalInt room, Instant now, ZoneId zone) {
    String head =
        head(job, screen, now, zone)
            .lines()
            .map(line -> Folded.of(line, room, INDENT))
            .collect(Collectors.joining("\n"));
    return (head + (job.getOutput().isEmpty() ? "" : "\n\n" + Printable.text(job.getOutput())))
        .stripTrailing();
  }

  private static String head(JobStatusResponse job, Screen screen, Instant now, ZoneId zone) {
    JobSpec spec = job.getSpec();
    StringBuilder text = new StringBuilder(job.getId());
    if (!spec.getName().isEmpty()) {
      text.append("  ").append(Printable.line(spec.getName()));
    }
    text.append('\n').append(screen.paint(JobTable.color(job), Statuses.of(job)));
    text.append(times(job, now, zone)).append(", by ").append(Printable.line(job.getOwner()));
    text.append('\n');
    line(text, "command", command(spec));
    if (spec.getLabelsCount() > 0) {
      line(text, "labels", JobTable.labels(job).replace(",", ", "));
    }
    line(text, "limits", limits(spec));
    line(text, "usage", usage(job, now));
    line(text, "output", output(job));
    if (!Statuses.isFinal(job)) {
      line(text, "pid", Integer.toString(job.getPid()));
      if (!job.getDetail().isEmpty()) {
        line(text, "trouble", Printable.line(job.getDetail()));
      }
    }
    return text.toString();
  }

  private static String times(JobStatusResponse job, Instant now, ZoneId zone) {
    Instant started = Amounts.instant(job.getCreatedAt());
    String since = TIME.format(started.atZone(zone));
    if (!job.hasEndedAt()) {
      return " for " + Amounts.duration(Duration.between(started, now)) + ", since " + since;
    }
    Instant ended = Amounts.instant(job.getEndedAt());
    return " after "
        + Amounts.duration(Duration.between(started, ended))
        + ", at "
        + TIME.format(ended.atZone(zone))
        + ", started "
        + since;
  }

  private static String command(JobSpec spec) {
    List<String> where = new ArrayList<>();
    String directory =
        spec.getRawWorkingDir().isEmpty()
            ? spec.getWorkingDir()
            : OsString.of(spec.getRawWorkingDir().toByteArray());
    if (!directory.isEmpty()) {
      where.add("in " + Printable.line(directory));
    }
    int variables = spec.getEnvCount() + spec.getRawEnvCount();
    if (variables > 0) {
      where.add(count(variables, "variable"));
    }
    String command = Printable.command(spec);
    return where.isEmpty() ? command : command + "     " + String.join(", ", where);
  }

  private static String limits(JobSpec spec) {
    Limits limits = spec.getLimits();
    List<String> parts = new ArrayList<>();
    limits
        .getAllFields()
        .forEach((field, value) -> {
          if (!field.isRepeated()) {
            parts.add(amount(field.getName(), ((Number) value).longValue()));
          }
        });
    limits.getIoList().forEach(io -> parts.add(io(io)));
    if (spec.getIsolation().getNetwork() == Isolation.Network.NETWORK_NONE) {
      parts.add("no network");
    }
    if (spec.getIsolation().getFilesystem() == Isolation.Filesystem.FILESYSTEM_READ_ONLY) {
      parts.add("read-only files");
    }
    if (spec.hasTimeout()) {
      parts.add("time limit " + Amounts.duration(Amounts.duration(spec.getTimeout())));
    }
    if (spec.hasGrace()) {
      parts.add("grace " + Amounts.duration(Amounts.duration(spec.getGrace())));
    }
    return parts.isEmpty() ? "none" : String.join(", ", parts);
  }

  /** Of any limit that the contract has. */
  private static String amount(String limit, long amount) {
    String words = limit.replaceAll("_bytes$", "").replace('_', ' ');
    return switch (limit) {
      case "cpu_millis" -> number(amount / 1000.0) + (amount == 1000 ? " CPU" : " CPUs");
      case "pids" -> count(amount, "process");
      default -> {
        if (!limit.endsWith("_bytes")) {
          yield words + " " + amount;
        }
        yield (amount == 0 ? "no" : Amounts.size(amount)) + " " + words;
      }
    };
  }

  private static String io(IoLimit io) {
    List<String> parts = new ArrayList<>();
    if (io.getReadBps() != 0) {
      parts.add("read " + Amounts.size(io.getReadBps()) + "/s");
    }
    if (io.getWriteBps() != 0) {
      parts.add("write " + Amounts.size(io.getWriteBps()) + "/s");
    }
    if (io.getReadIops() != 0) {
      parts.add(Long.toUnsignedString(io.getReadIops()) + " reads/s");
    }
    if (io.getWriteIops() != 0) {
      parts.add(Long.toUnsignedString(io.getWriteIops()) + " writes/s");
    }
    String where = io.getPath().isEmpty() ? "" : " on " + Printable.line(io.getPath());
    return String.join(", ", parts) + where;
  }

  private static String usage(JobStatusResponse job, Instant now) {
    JobStats usage = job.getUsage();
    Measures measured = new Measures(job);
    List<String> parts = new ArrayList<>();
    if (measured.has("cpu_usec")) {
      parts.add(cpu(job, now));
    }
    if (!Statuses.isFinal(job) && measured.has("memory_bytes")) {
      parts.add(
          Amounts.size(usage.getMemoryBytes())
              + " (peak "
              + Amounts.size(usage.getMemoryPeakBytes())
              + ")");
    } else if (measured.has("memory_peak_bytes")) {
      parts.add("peak " + Amounts.size(usage.getMemoryPeakBytes()));
    }
    if (!Statuses.isFinal(job) && measured.has("pids")) {
      parts.add(count(usage.getPids(), "process"));
    }
    if (measured.has("io_read_bytes")) {
      parts.add("read " + Amounts.size(usage.getIoReadBytes()));
    }
    if (measured.has("io_write_bytes")) {
      parts.add("written " + Amounts.size(usage.getIoWriteBytes()));
    }
    return parts.isEmpty() ? "not measured on this host" : String.join(", ", parts);
  }

  /** On average over its life; of an ended job also in all. */
  private static String cpu(JobStatusResponse job, Instant now) {
    Instant end = job.hasEndedAt() ? Amounts.instant(job.getEndedAt()) : now;
    long micros = Duration.between(Amounts.instant(job.getCreatedAt()), end).toNanos() / 1000;
    long used = job.getUsage().getCpuUsec();
    return micros <= 0
        ? Amounts.duration(Duration.ofNanos(used * 1000)) + " of CPU"
        : number((double) used / micros) + " CPUs";
  }

  private static String output(JobStatusResponse job) {
    String text = Amounts.size(job.getOutputTotalBytes());
    return (job.getOutputDroppedBytes() == 0
            ? text
            : text
                + ", the first "
                + Amounts.size(job.getOutputDroppedBytes())
                + " of it no longer kept")
        + "; job-worker logs "
        + Statuses.shortId(job.getId());
  }

  private static String count(long number, String what) {
    String plural = what.endsWith("s") ? "es" : "s";
    return number + " " + what + (number == 1 ? "" : plural);
  }

  private static String number(double value) {
    String text = String.format(Locale.ROOT, "%.2f", value);
    return text.contains(".") ? text.replaceAll("\\.?0+$", "") : text;
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append(("%-" + INDENT + "s%s%n").formatted(name, value));
  }
}
