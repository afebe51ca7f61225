package io.jobworker.core.process;

import io.jobworker.core.job.Usage;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a job ended, as its launcher wrote it ({@code launcher/src/record.h}).
 *
 * @param exitCode present if the main process exited by itself
 * @param signal present if a signal ended it
 * @param cause why the launcher acted on the job, if it did
 * @param refusedCall the first system call that the job was refused
 * @param cgroup what the kernel has counted for the job's cgroup; empty: nothing
 * @param log how far its output got; empty: a launcher of version 1 wrote the record
 */
public record ExitRecord(
    OptionalInt exitCode,
    OptionalInt signal,
    Cause cause,
    Instant endedAt,
    Duration cpu,
    long peakMemoryBytes,
    long readBytes,
    long writtenBytes,
    Optional<String> refusedCall,
    Optional<Counters> cgroup,
    Optional<Log> log) {

  /**
   * What the kernel has counted for the job's cgroup; 0 also for what it does not count, and {@link
   * Usage#UNTOLD} for what it has counted and could not be read.
   */
  public record Counters(
      Duration cpu,
      Duration throttled,
      long peakMemoryBytes,
      long oomKills,
      long readBytes,
      long writtenBytes) {}

  /**
   * How far the output got.
   *
   * @param end the offset after its last byte
   * @param keptBytes how many bytes can be read
   * @param complete whether capture could finish it
   */
  public record Log(long end, long keptBytes, boolean complete) {}

  /** What made the launcher send a signal. */
  public enum Cause {
    NONE,
    STOP,
    TIMEOUT
  }

  private static final int MAX_BYTES = 64 << 10;

  /** {@code launcher/src/record.h}: the kernel does not count it here. */
  private static final long NOT_COUNTED = -1;

  /** Likewise: it has counted it, and the launcher could not read it. */
  private static final long NOT_TOLD = -2;

  /** What is there is no exit record, and will not become one. */
  public static final class Damaged extends IOException {
    Damaged(Path file, String why) {
      super(file + " is not an exit record: " + why);
    }
  }

  /**
   * Reads the record in the job's directory; empty if there is none.
   *
   * @throws Damaged if there is something else
   * @throws IOException if it cannot be read now
   */
  public static Optional<ExitRecord> read(Path jobDirectory) throws IOException {
    Path file = jobDirectory.resolve(JobDirectory.EXIT_RECORD);
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new Damaged(file, "too large");
      }
      return Optional.of(parse(Files.readString(file)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (CharacterCodingException e) {
      throw new Damaged(file, "no text");
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new Damaged(file, String.valueOf(e.getMessage()));
    }
  }

  /** Whether it is certain that there is none in the job's directory. */
  public static boolean isMissing(Path jobDirectory) {
    return Files.notExists(jobDirectory.resolve(JobDirectory.EXIT_RECORD));
  }

  static ExitRecord parse(String text) {
    Map<String, String> values = new HashMap<>();
    for (String line : text.split("\n", -1)) {
      int space = line.indexOf(' ');
      if (space > 0) {
        values.put(line.substring(0, space), line.substring(space + 1));
      }
    }
    long version = number(values, "version");
    if (version < 1 || version > 2 || !text.endsWith("\nend\n")) {
      throw new IllegalArgumentException("unknown version or not complete");
    }
    int exitCode = (int) number(values, "exit_code");
    int signal = (int) number(values, "signal");
    if (exitCode < 0 == (signal == 0)) {
      throw new IllegalArgumentException("neither an exit code nor a signal, or both");
    }
    return new ExitRecord(
        exitCode >= 0 ? OptionalInt.of(exitCode) : OptionalInt.empty(),
        signal != 0 ? OptionalInt.of(signal) : OptionalInt.empty(),
        cause(values.getOrDefault("cause", "")),
        Instant.EPOCH.plusNanos(number(values, "ended_at_ns") / 1000 * 1000),
        Duration.ofNanos(
            Math.multiplyExact(
                Math.addExact(number(values, "user_usec"), number(values, "system_usec")), 1000L)),
        number(values, "max_rss_bytes"),
        number(values, "read_bytes"),
        number(values, "write_bytes"),
        Optional.ofNullable(values.get("refused_call")).filter(call -> !call.equals("none")),
        version == 1 ? Optional.empty() : counters(values),
        version == 1 ? Optional.empty() : Optional.of(log(values)));
  }

  private static Optional<Counters> counters(Map<String, String> values) {
    if (number(values, "cgroup_cpu_usec") == NOT_COUNTED) {
      return Optional.empty();
    }
    return Optional.of(
        new Counters(
            micros(values, "cgroup_cpu_usec"),
            micros(values, "cgroup_throttled_usec"),
            counter(values, "cgroup_memory_peak_bytes"),
            counter(values, "cgroup_oom_kills"),
            counter(values, "cgroup_read_bytes"),
            counter(values, "cgroup_write_bytes")));
  }

  private static Duration micros(Map<String, String> values, String key) {
    return Duration.ofNanos(Math.multiplyExact(counter(values, key), 1000L));
  }

  private static long counter(Map<String, String> values, String key) {
    long value = number(values, key);
    return value == NOT_TOLD ? Usage.UNTOLD : Math.max(0, value);
  }

  private static Log log(Map<String, String> values) {
    long end = number(values, "log_end");
    long kept = number(values, "log_kept");
    if (kept < 0 || kept > end) {
      throw new IllegalArgumentException("more of the log is kept than there was");
    }
    return new Log(end, kept, number(values, "log_complete") == 1);
  }

  private static Cause cause(String text) {
    return switch (text) {
      case "none" -> Cause.NONE;
      case "stop" -> Cause.STOP;
      case "timeout" -> Cause.TIMEOUT;
      default -> throw new IllegalArgumentException("unknown cause '" + text + "'");
    };
  }

  private static long number(Map<String, String> values, String key) {
    String value = values.get(key);
    if (value == null) {
      throw new IllegalArgumentException("no " + key);
    }
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(key + " is not a number", e);
    }
  }
}
