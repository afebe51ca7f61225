package io.jobworker.core.job;

import io.jobworker.base.units.ByteSize;
import io.jobworker.base.words.OsString;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The bounds of a {@link JobSpec}. Every violation is a {@link JobException.InvalidSpec} with its
 * field.
 */
final class SpecCheck {
  /**
   * Of all arguments and variables together, each with its NUL and its pointer, as execve(2) counts
   * them; the kernel's own bound is a quarter of the stack's limit, 2 MiB as a rule.
   */
  static final int MAX_COMMAND_AND_ENVIRONMENT_BYTES = 1 << 20;

  /** Of one argument or variable with its NUL: execve(2), MAX_ARG_STRLEN. */
  static final int MAX_WORD_BYTES = 128 << 10;

  private static final int POINTER_BYTES = 8;
  static final int MAX_STDIN_BYTES = 1 << 20;
  static final int MAX_PATH_BYTES = 4096;
  static final int MAX_LABELS = 64;
  static final int MAX_LABEL_LENGTH = 63; // of a key, and of a value
  static final int MAX_IO_LIMITS = 16;
  static final int MAX_NAME_LENGTH = 128;
  static final int MAX_REQUEST_ID_LENGTH = 128;
  static final Duration MAX_DURATION = Duration.ofDays(3650);
  static final ByteSize MIN_OUTPUT_RETAIN = ByteSize.of(64 << 10);
  static final ByteSize MAX_OUTPUT_RETAIN = ByteSize.parse("1T");

  /** Names that say where they are in relation to others, which no plain path needs. */
  private static final Set<String> DOTS = Set.of("", ".", "..");

  private static final Pattern LABEL_KEY =
      Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?");
  private static final Pattern LABEL_VALUE = Pattern.compile("(" + LABEL_KEY + ")?");

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
    long bytes = 0;
    int number = 0;
    for (String argument : spec.command()) {
      checkWord(RequestField.COMMAND, argument);
      if (size(argument) > MAX_WORD_BYTES) {
        throw invalid(
            RequestField.COMMAND,
            "argument "
                + number
                + " takes "
                + size(argument)
                + " bytes, and the kernel takes "
                + MAX_WORD_BYTES
                + "; send it as stdin");
      }
      bytes += size(argument) + POINTER_BYTES;
      number++;
    }
    for (Map.Entry<String, String> variable : spec.environment().entrySet()) {
      // NAME=VALUE: the equals sign is where the name's NUL would be.
      bytes += size(variable.getKey()) + size(variable.getValue()) + POINTER_BYTES;
    }
    if (bytes > MAX_COMMAND_AND_ENVIRONMENT_BYTES) {
      throw invalid(
          RequestField.COMMAND,
          "command and environment take "
              + bytes
              + " bytes with what the kernel adds to each word, more than "
              + MAX_COMMAND_AND_ENVIRONMENT_BYTES
              + "; send what is large as stdin");
    }
  }

  private static void checkEnvironment(Map<String, String> environment) {
    environment.forEach((name, value) -> {
      checkWord(RequestField.ENVIRONMENT, name);
      checkWord(RequestField.ENVIRONMENT, value);
      if (name.isEmpty() || name.indexOf('=') >= 0) {
        throw invalid(RequestField.ENVIRONMENT, quoted(name) + " cannot be a variable's name");
      }
      if (size(name) + size(value) > MAX_WORD_BYTES) {
        throw invalid(
            RequestField.ENVIRONMENT,
            quoted(name)
                + " takes "
                + (size(name) + size(value))
                + " bytes, and the kernel takes "
                + MAX_WORD_BYTES
                + "; send it as stdin");
      }
    });
  }

  private static void checkWorkingDirectory(String path) {
    checkPath(RequestField.WORKING_DIRECTORY, path);
    if (!path.equals("/")
        && Arrays.stream(path.substring(1).split("/", -1)).anyMatch(DOTS::contains)) {
      throw invalid(
          RequestField.WORKING_DIRECTORY, "write it without '.', '..' and needless slashes");
    }
  }

  private static void checkPath(Field field, String path) {
    checkWord(field, path);
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
      boolean fit = key.length() <= MAX_LABEL_LENGTH && value.length() <= MAX_LABEL_LENGTH;
      if (!fit || !LABEL_KEY.matcher(key).matches() || !LABEL_VALUE.matcher(value).matches()) {
        throw invalid(
            field,
            "keys and values are up to "
                + MAX_LABEL_LENGTH
                + " letters, digits, '.', '_', '-' and '/', and start and"
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
    if (!OsString.isUtf8(value)) {
      throw invalid(
          field, "the byte at " + OsString.firstInvalid(value).getAsInt() + " is no UTF-8");
    }
    if (value.chars().anyMatch(Character::isISOControl)) {
      throw invalid(field, "must not hold control characters");
    }
  }

  /** Whether the kernel can have it. */
  private static void checkWord(Field field, String value) {
    if (!OsString.isValid(value)) {
      throw invalid(field, "must not hold half a character");
    }
    if (value.indexOf('\0') >= 0) {
      throw invalid(field, "must not hold a NUL character");
    }
  }

  /** Of what a caller sent, no more than people can read. */
  private static String quoted(String text) {
    String all = OsString.escaped(text);
    String shown = all.length() <= 64 ? all : all.substring(0, 64) + "...";
    return "'" + shown + "'";
  }

  private static int size(String text) {
    return OsString.bytes(text).length + 1;
  }

  private static JobException.InvalidSpec invalid(Field field, String problem) {
    return new JobException.InvalidSpec(field, problem);
  }
}
