package io.jobworker.core.job;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;

/**
 * The bounds of a {@link JobSpec}. Every violation is a {@link JobException.InvalidSpec} with its
 * field.
 */
final class SpecCheck {
  static final int MAX_ARGUMENTS = 4096;
  static final int MAX_COMMAND_AND_ENVIRONMENT_BYTES = 1 << 20;
  static final int MAX_STDIN_BYTES = 1 << 20;
  static final int MAX_VARIABLES = 1024;
  static final int MAX_PATH_BYTES = 4096;
  static final int MAX_LABELS = 64;
  static final int MAX_IO_LIMITS = 16;
  static final ByteSize MIN_MEMORY = ByteSize.ofMebibytes(1);
  static final int MAX_NAME_LENGTH = 128;
  static final int MAX_REQUEST_ID_LENGTH = 128;
  static final Duration MAX_DURATION = Duration.ofDays(3650);
  static final ByteSize MIN_OUTPUT_RETAIN = ByteSize.of(64 << 10);
  static final ByteSize MAX_OUTPUT_RETAIN = ByteSize.parse("1T");

  private static final Pattern LABEL_KEY =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?");
  private static final Pattern LABEL_VALUE =
      Pattern.compile("([A-Za-z0-9]([A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?)?");

  private SpecCheck() {}

  static void check(JobSpec spec, byte[] stdin) {
    checkCommand(spec);
    checkEnvironment(spec.environment());
    spec.workingDirectory().ifPresent(SpecCheck::checkWorkingDirectory);
    spec.timeout().ifPresent(value -> checkDuration("spec.timeout", value));
    spec.grace().ifPresent(value -> checkDuration("spec.grace", value));
    checkText("spec.name", spec.name(), MAX_NAME_LENGTH);
    spec.requestId().ifPresent(value -> checkText("spec.request_id", value, MAX_REQUEST_ID_LENGTH));
    checkLabels("spec.labels", spec.labels());
    checkLimits(spec.limits());
    spec.outputRetain().ifPresent(SpecCheck::checkRetain);
    if (stdin.length > MAX_STDIN_BYTES) {
      throw invalid("spec.stdin", "at most " + MAX_STDIN_BYTES + " bytes, not " + stdin.length);
    }
  }

  private static void checkCommand(JobSpec spec) {
    if (spec.command().isEmpty() || spec.command().getFirst().isEmpty()) {
      throw invalid("spec.command", "name the program to run");
    }
    if (spec.command().size() > MAX_ARGUMENTS) {
      throw invalid("spec.command", "at most " + MAX_ARGUMENTS + " arguments");
    }
    long bytes = 0;
    for (String argument : spec.command()) {
      checkNoNul("spec.command", argument);
      bytes += size(argument);
    }
    for (Map.Entry<String, String> variable : spec.environment().entrySet()) {
      bytes += size(variable.getKey()) + size(variable.getValue());
    }
    if (bytes > MAX_COMMAND_AND_ENVIRONMENT_BYTES) {
      throw invalid(
          "spec.command",
          "command and environment take "
              + bytes
              + " bytes, more than "
              + MAX_COMMAND_AND_ENVIRONMENT_BYTES);
    }
  }

  private static void checkEnvironment(Map<String, String> environment) {
    if (environment.size() > MAX_VARIABLES) {
      throw invalid("spec.env", "at most " + MAX_VARIABLES + " variables");
    }
    environment.forEach((name, value) -> {
      checkNoNul("spec.env", name);
      checkNoNul("spec.env", value);
      if (name.isEmpty() || name.indexOf('=') >= 0) {
        throw invalid("spec.env", quoted(name) + " cannot be a variable's name");
      }
    });
  }

  private static void checkWorkingDirectory(String path) {
    checkPath("spec.working_dir", path);
    if (!Path.of(path).normalize().toString().equals(path)) {
      throw invalid("spec.working_dir", "write it without '.', '..' and needless slashes");
    }
  }

  private static void checkPath(String field, String path) {
    checkNoNul(field, path);
    if (size(path) >= MAX_PATH_BYTES) {
      throw invalid(field, "a path is shorter than " + MAX_PATH_BYTES + " bytes");
    }
    if (!path.startsWith("/")) {
      throw invalid(field, "give an absolute path, not " + quoted(path));
    }
  }

  private static void checkLimits(Limits limits) {
    checkRange("cpu_millis", limits.cpuMillis(), 1, 10_000_000);
    checkRange("cpu_weight", limits.cpuWeight(), 1, 10_000);
    checkRange("pids", limits.pids(), 1, 4_000_000);
    if (limits.memory().isPresent() && limits.memory().get().bytes() < MIN_MEMORY.bytes()) {
      throw invalid("spec.limits.memory_bytes", "at least " + MIN_MEMORY);
    }
    if (limits.io().size() > MAX_IO_LIMITS) {
      throw invalid("spec.limits.io", "at most " + MAX_IO_LIMITS + " devices");
    }
    for (Limits.IoLimit io : limits.io()) {
      if ((io.readBps() | io.writeBps() | io.readIops() | io.writeIops()) == 0) {
        throw invalid("spec.limits.io", "an entry without a limit");
      }
      if (!io.path().isEmpty()) {
        checkPath("spec.limits.io.path", io.path());
      }
      if (Math.min(Math.min(io.readBps(), io.writeBps()), Math.min(io.readIops(), io.writeIops()))
          < 0) {
        throw invalid("spec.limits.io", "too large a number");
      }
    }
  }

  private static void checkRange(String field, OptionalInt value, int least, int most) {
    if (value.isPresent() && (value.getAsInt() < least || value.getAsInt() > most)) {
      throw invalid("spec.limits." + field, "from " + least + " to " + most);
    }
  }

  static void checkLabels(String field, Map<String, String> labels) {
    if (labels.size() > MAX_LABELS) {
      throw invalid(field, "at most " + MAX_LABELS + " labels");
    }
    labels.forEach((key, value) -> {
      if (!LABEL_KEY.matcher(key).matches() || !LABEL_VALUE.matcher(value).matches()) {
        throw invalid(
            field,
            "keys and values are up to 63 letters, digits, '.', '_', '-' and '/', and start and"
                + " end with a letter or digit");
      }
    });
  }

  static void checkDuration(String field, Duration value) {
    if (value.isNegative() || value.compareTo(MAX_DURATION) > 0) {
      throw invalid(field, "from 0 to " + MAX_DURATION.toDays() + " days");
    }
  }

  private static void checkRetain(ByteSize value) {
    if (value.bytes() < MIN_OUTPUT_RETAIN.bytes() || value.bytes() > MAX_OUTPUT_RETAIN.bytes()) {
      throw invalid(
          "spec.output_retain_bytes",
          "from " + MIN_OUTPUT_RETAIN + " to " + MAX_OUTPUT_RETAIN + ", not " + value);
    }
  }

  private static void checkText(String field, String value, int maxLength) {
    if (value.length() > maxLength) {
      throw invalid(field, "at most " + maxLength + " characters");
    }
    if (value.chars().anyMatch(Character::isISOControl)) {
      throw invalid(field, "must not hold control characters");
    }
  }

  private static void checkNoNul(String field, String value) {
    if (value.indexOf('\0') >= 0) {
      throw invalid(field, "must not hold a NUL character");
    }
  }

  /** Of what a caller sent, no more than people can read. */
  private static String quoted(String text) {
    String shown = text.length() <= 64 ? text : text.substring(0, 64) + "...";
    return "'" + shown + "'";
  }

  private static int size(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length + 1;
  }

  private static JobException.InvalidSpec invalid(String field, String problem) {
    return new JobException.InvalidSpec(field, problem);
  }
}
