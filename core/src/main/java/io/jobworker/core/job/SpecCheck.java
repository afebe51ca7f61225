package io.jobworker.core.job;

import io.jobworker.base.units.ByteSize;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
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
    spec.timeout().ifPresent(value -> checkDuration(RequestField.TIMEOUT, value));
    spec.grace().ifPresent(value -> checkDuration(RequestField.GRACE, value));
    checkText(RequestField.NAME, spec.name(), MAX_NAME_LENGTH);
    spec.requestId()
        .ifPresent(value -> checkText(RequestField.REQUEST_ID, value, MAX_REQUEST_ID_LENGTH));
    checkLabels(RequestField.LABELS, spec.labels());
    checkLimits(spec.limits());
    spec.outputRetain().ifPresent(SpecCheck::checkRetain);
    if (spec.stdinStream() && stdin.length > 0) {
      throw invalid(RequestField.STDIN_STREAM, "give what the job reads now, or later; not both");
    }
    if (stdin.length > MAX_STDIN_BYTES) {
      throw invalid(
          RequestField.STDIN, "at most " + MAX_STDIN_BYTES + " bytes, not " + stdin.length);
    }
  }

  private static void checkCommand(JobSpec spec) {
    if (spec.command().isEmpty() || spec.command().getFirst().isEmpty()) {
      throw invalid(RequestField.COMMAND, "name the program to run");
    }
    if (spec.command().size() > MAX_ARGUMENTS) {
      throw invalid(RequestField.COMMAND, "at most " + MAX_ARGUMENTS + " arguments");
    }
    long bytes = 0;
    for (String argument : spec.command()) {
      checkNoNul(RequestField.COMMAND, argument);
      bytes += size(argument);
    }
    for (Map.Entry<String, String> variable : spec.environment().entrySet()) {
      bytes += size(variable.getKey()) + size(variable.getValue());
    }
    if (bytes > MAX_COMMAND_AND_ENVIRONMENT_BYTES) {
      throw invalid(
          RequestField.COMMAND,
          "command and environment take "
              + bytes
              + " bytes, more than "
              + MAX_COMMAND_AND_ENVIRONMENT_BYTES);
    }
  }

  private static void checkEnvironment(Map<String, String> environment) {
    if (environment.size() > MAX_VARIABLES) {
      throw invalid(RequestField.ENVIRONMENT, "at most " + MAX_VARIABLES + " variables");
    }
    environment.forEach((name, value) -> {
      checkNoNul(RequestField.ENVIRONMENT, name);
      checkNoNul(RequestField.ENVIRONMENT, value);
      if (name.isEmpty() || name.indexOf('=') >= 0) {
        throw invalid(RequestField.ENVIRONMENT, quoted(name) + " cannot be a variable's name");
      }
    });
  }

  private static void checkWorkingDirectory(String path) {
    checkPath(RequestField.WORKING_DIRECTORY, path);
    if (!Path.of(path).normalize().toString().equals(path)) {
      throw invalid(
          RequestField.WORKING_DIRECTORY, "write it without '.', '..' and needless slashes");
    }
  }

  private static void checkPath(Field field, String path) {
    checkNoNul(field, path);
    if (size(path) >= MAX_PATH_BYTES) {
      throw invalid(field, "a path is shorter than " + MAX_PATH_BYTES + " bytes");
    }
    if (!path.startsWith("/")) {
      throw invalid(field, "give an absolute path, not " + quoted(path));
    }
  }

  private static void checkLimits(Limits limits) {
    limits.amounts().forEach(Limit::requireWithin);
    if (limits.io().size() > MAX_IO_LIMITS) {
      throw invalid(RequestField.IO, "at most " + MAX_IO_LIMITS + " devices");
    }
    for (Limits.IoLimit io : limits.io()) {
      if ((io.readBps() | io.writeBps() | io.readIops() | io.writeIops()) == 0) {
        throw invalid(RequestField.IO, "an entry without a limit");
      }
      if (!io.path().isEmpty()) {
        checkPath(RequestField.IO_PATH, io.path());
      }
      if (Math.min(Math.min(io.readBps(), io.writeBps()), Math.min(io.readIops(), io.writeIops()))
          < 0) {
        throw invalid(RequestField.IO, "too large a number");
      }
    }
  }

  static void checkLabels(Field field, Map<String, String> labels) {
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

  static void checkDuration(Field field, Duration value) {
    if (value.isNegative() || value.compareTo(MAX_DURATION) > 0) {
      throw invalid(field, "from 0 to " + MAX_DURATION.toDays() + " days");
    }
  }

  private static void checkRetain(ByteSize value) {
    if (value.bytes() < MIN_OUTPUT_RETAIN.bytes() || value.bytes() > MAX_OUTPUT_RETAIN.bytes()) {
      throw invalid(
          RequestField.OUTPUT_RETAIN,
          "from " + MIN_OUTPUT_RETAIN + " to " + MAX_OUTPUT_RETAIN + ", not " + value);
    }
  }

  private static void checkText(Field field, String value, int maxLength) {
    if (value.length() > maxLength) {
      throw invalid(field, "at most " + maxLength + " characters");
    }
    if (value.chars().anyMatch(Character::isISOControl)) {
      throw invalid(field, "must not hold control characters");
    }
  }

  private static void checkNoNul(Field field, String value) {
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

  private static JobException.InvalidSpec invalid(Field field, String problem) {
    return new JobException.InvalidSpec(field, problem);
  }
}
