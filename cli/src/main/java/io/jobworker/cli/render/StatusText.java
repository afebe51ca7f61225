package io.jobworker.cli.render;

import com.google.protobuf.Timestamp;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.base.words.OsString;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A job's status, for people. */
public final class StatusText {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());

  private StatusText() {}

  public static String of(JobStatusResponse job) {
    StringBuilder text = new StringBuilder();
    line(text, "id", job.getId());
    if (!job.getSpec().getName().isEmpty()) {
      line(text, "name", job.getSpec().getName());
    }
    line(text, "status", job.getStatus() + how(job));
    line(text, "command", command(job.getSpec()));
    line(text, "owner", job.getOwner());
    if (!job.getSpec().getLabelsMap().isEmpty()) {
      line(
          text,
          "labels",
          job.getSpec().getLabelsMap().entrySet().stream()
              .map(label -> label.getKey() + "=" + label.getValue())
              .sorted()
              .collect(Collectors.joining(" ")));
    }
    line(text, "started", TIME.format(instant(job.getCreatedAt())));
    if (job.hasEndedAt()) {
      Duration ran = Duration.between(instant(job.getCreatedAt()), instant(job.getEndedAt()));
      line(
          text, "ended", TIME.format(instant(job.getEndedAt())) + " (after " + duration(ran) + ")");
    } else {
      line(text, "pid", Integer.toString(job.getPid()));
    }
    line(text, "output", output(job));
    if (!job.getOutput().isEmpty()) {
      text.append('\n').append(printable(job.getOutput()));
    }
    return text.toString().stripTrailing();
  }

  private static String how(JobStatusResponse job) {
    return switch (job.getReason()) {
      case REASON_EXITED -> " (exit code " + job.getExitCode() + ")";
      case REASON_SIGNALED -> " (killed by signal " + job.getSignal() + ")";
      case REASON_OOM_KILLED -> " (out of memory: killed at its limit)";
      case REASON_TIMED_OUT -> " (timed out)";
      case REASON_STOPPED -> job.hasExitCode() ? " (exit code " + job.getExitCode() + ")" : "";
      case REASON_LOST ->
          job.getDetail().isEmpty()
              ? " (nobody saw how it ended)"
              : " (nobody saw how it ended: " + job.getDetail() + ")";
      case REASON_UNSPECIFIED, UNRECOGNIZED -> "";
    };
  }

  private static String output(JobStatusResponse job) {
    String text = job.getOutputTotalBytes() + " bytes";
    return job.getOutputDroppedBytes() == 0
        ? text
        : text + ", " + job.getOutputDroppedBytes() + " of them no longer kept";
  }

  private static String command(JobSpec spec) {
    List<String> words =
        spec.getRawCommandCount() == 0
            ? spec.getCommandList()
            : spec.getRawCommandList().stream()
                .map(word -> OsString.of(word.toByteArray()))
                .toList();
    return words.stream().map(StatusText::quoted).collect(Collectors.joining(" "));
  }

  /**
   * As one could type it; what cannot be typed stands as bash and ksh have it, in {@code $'...'}.
   */
  private static String quoted(String word) {
    if (word.matches("[A-Za-z0-9_@%+=:,./-]+")) {
      return word;
    }
    boolean typed = OsString.isUtf8(word) && word.chars().noneMatch(Character::isISOControl);
    if (typed) {
      return "'" + word.replace("'", "'\\''") + "'";
    }
    StringBuilder quoted = new StringBuilder("$'");
    word.codePoints()
        .forEach(c -> {
          switch (c) {
            case '\n' -> quoted.append("\\n");
            case '\t' -> quoted.append("\\t");
            case '\'', '\\' -> quoted.append('\\').appendCodePoint(c);
            default -> {
              if (Character.isISOControl(c)) {
                quoted.append(c < 0x80 ? "\\x%02x".formatted(c) : "\\u%04x".formatted(c));
              } else {
                quoted.append(OsString.escaped(Character.toString(c)));
              }
            }
          }
        });
    return quoted.append('\'').toString();
  }

  /** A job must not send escape sequences to the terminal of whoever looks at its status. */
  private static String printable(String text) {
    return text.codePoints()
        .map(c -> Character.isISOControl(c) && c != '\n' && c != '\t' ? '\uFFFD' : c)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private static String duration(Duration duration) {
    Duration rounded = duration.truncatedTo(ChronoUnit.MILLIS);
    return rounded.toString().substring(2).toLowerCase(Locale.ROOT);
  }

  private static Instant instant(Timestamp time) {
    return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
  }

  private static void line(StringBuilder text, String name, String value) {
    text.append("%-9s%s%n".formatted(name, value));
  }
}
