package io.jobworker.server.config;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.jobworker.base.units.ByteSize;
import io.jobworker.core.JobsConfig;
import io.jobworker.core.job.Limits;
import io.jobworker.core.job.ResourceLimits;
import io.jobworker.core.output.OutputLog.OnFull;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.exc.InvalidFormatException;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.databind.exc.ValueInstantiationException;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * {@code server.toml}. Every key must be there and none may be unknown, so that a typing error is
 * an error and not a default; {@code init} writes the file whole, with a comment at each key.
 *
 * @param listen HOST:PORT to listen on; port 0 takes a free one
 */
public record ServerConfig(
    String listen,
    Tls tls,
    Connections connections,
    QuotaSettings quota,
    Audit audit,
    Metrics metrics,
    State state,
    Isolation isolation,
    LimitSettings limits,
    Cgroup cgroup,
    Launcher launcher,
    Output output,
    History history,
    Shutdown shutdown,
    Job job) {

  /**
   * PEM files; relative paths are below the directory of {@code server.toml}.
   *
   * @param crl the revocation list; empty: there is none
   */
  public record Tls(String ca, String cert, String key, String crl) {}

  /**
   * What connections may take.
   *
   * @param max of all clients together
   * @param perSecond how many handshakes of one address may begin in a second; further ones wait
   * @param handshakes how many may be at their handshake; beyond that, one of the address that has
   *     the most gives way
   * @param handshakePatience how long a handshake may take
   * @param idle how long one may be open without a call
   */
  public record Connections(
      int max, int perSecond, int handshakes, Duration handshakePatience, Duration idle) {}

  /**
   * Where the audit log goes.
   *
   * @param file below the server's directory; {@code -}: standard output
   * @param maxSize when it is rotated
   * @param keep how many rotated files are kept
   * @param required whether nothing is started while lines of it would be lost
   * @param mask regular expressions; what of a job's arguments matches is not written down
   */
  public record Audit(
      String file, ByteSize maxSize, int keep, boolean required, List<String> mask) {
    private static final int MAX_KEEP = 20;

    public Audit {
      mask = List.copyOf(mask);
      if (file.isEmpty()) {
        throw new IllegalArgumentException("file: name one, or write \"-\" for standard output");
      }
      if (keep < 1 || keep > MAX_KEEP || maxSize.bytes() < 64 << 10) {
        throw new IllegalArgumentException(
            "keep: from 1 to " + MAX_KEEP + "; max-size: at least 64K");
      }
      mask.forEach(Audit::compile);
    }

    /** {@link #mask}, compiled. */
    public List<Pattern> patterns() {
      return mask.stream().map(Audit::compile).toList();
    }

    private static Pattern compile(String pattern) {
      try {
        return Pattern.compile(pattern);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "mask: '" + pattern + "' is not a regular expression: " + e.getDescription(), e);
      }
    }
  }

  /** HOST:PORT for figures over plain HTTP; empty: none. */
  public record Metrics(String listen) {}

  /** Where jobs and their output are kept, and what of them a crash of the host may cost. */
  public record State(String directory, Durability durability) {}

  /** What a Start waits for. */
  public enum Durability {
    /** For no disk: the death of the server or of a launcher costs nothing. */
    NORMAL,
    /** For the disk: neither does a host that loses power. */
    FULL
  }

  /**
   * What keeps jobs apart from the host and from one another.
   *
   * @param scratch how much fits into a job's {@code /tmp} and into its {@code /dev/shm}
   */
  public record Isolation(boolean enabled, UidRange uidRange, Share scratch) {}

  /** A range of user ids, as in {@code 600000-665535}. */
  public record UidRange(int first, int last) {
    /** Reads {@code FIRST-LAST}; root's and the system's users cannot be in it. */
    @JsonCreator
    public static UidRange parse(String text) {
      String[] ends = text.split("-", -1);
      try {
        UidRange range = new UidRange(Integer.parseInt(ends[0]), Integer.parseInt(ends[1]));
        if (ends.length == 2 && range.first >= 1000 && range.first <= range.last) {
          return range;
        }
      } catch (NumberFormatException | IndexOutOfBoundsException e) {
        // said below
      }
      throw new IllegalArgumentException(
          "'" + text + "' is not a range of user ids from 1000 up; write FIRST-LAST");
    }
  }

  /**
   * What holds for the limits of jobs.
   *
   * @param unenforceable what becomes of a default that this host has no controller for
   * @param otherwise of a job that does not say
   * @param max what no job may exceed
   */
  public record LimitSettings(
      JobsConfig.Unenforceable unenforceable,
      @JsonProperty("default") @JsonDeserialize(using = LimitsReader.class) Limits otherwise,
      @JsonDeserialize(using = LimitsReader.class) Limits max) {}

  /** The service's own directory below the cgroup v2 mount. */
  public record Cgroup(String root) {}

  /**
   * What each job's launcher may use, which is no part of what its job may.
   *
   * @param cpuMillis thousandths of a CPU
   */
  public record Launcher(int cpuMillis) {}

  /**
   * What is kept and sent of the output of jobs.
   *
   * @param retain how much output is kept for a job that does not say
   * @param total how much for all jobs together
   * @param onFull what happens when a job has written more than that
   * @param maxMessage the largest message of a log stream
   * @param stallLimit how long a log stream's client may take nothing of what there is for it
   */
  public record Output(
      ByteSize retain, Share total, OnFull onFull, ByteSize maxMessage, Duration stallLimit) {}

  /** How long ended jobs are kept, and how many of each client. */
  public record History(Duration keep, int max, int changes, ByteSize specs) {}

  /** What becomes of the jobs when the server is told to end; {@code grace} is for a stop. */
  public record Shutdown(JobsThen jobs, Duration grace) {}

  /** Whether jobs outlive an orderly end of the server. */
  public enum JobsThen {
    KEEP,
    STOP
  }

  /**
   * Resource limits of every job, as {@code SOFT:HARD} by their names in {@code ulimit}'s manual.
   */
  public record Job(Map<String, String> rlimits) {
    public Job {
      rlimits = Map.copyOf(rlimits);
      try {
        ResourceLimits.requireValid(rlimits);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("rlimits: " + e.getMessage(), e);
      }
    }
  }

  private static final TomlMapper TOML =
      TomlMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
          .enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_ENUMS)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .addModule(new SimpleModule().addDeserializer(Duration.class, new DurationReader()))
          .build();

  /**
   * Reads the file.
   *
   * @throws ConfigException with one line that says what is wrong and where
   */
  public static ServerConfig read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new ConfigException(
          "cannot read "
              + file
              + "; make it with: job-worker-server init --dir "
              + file.getParent());
    }
    return parse(file, text);
  }

  /** Reads what was in the file. */
  static ServerConfig parse(Path file, String text) {
    try {
      return TOML.readValue(text, ServerConfig.class);
    } catch (UnrecognizedPropertyException e) {
      throw new ConfigException(file + ": unknown key '" + path(e) + "'");
    } catch (MismatchedInputException e) {
      throw new ConfigException(
          String.valueOf(e.getMessage()).startsWith(TableReader.MISSING)
              ? file + ": the key '" + path(e) + "' is missing"
              : file + ": " + path(e) + ": " + problem(e));
    } catch (DatabindException e) {
      throw new ConfigException(file + ": " + path(e) + ": " + problem(e));
    } catch (JacksonException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      throw new ConfigException(file + ", line " + line + ": " + firstLine(e.getOriginalMessage()));
    }
  }

  /** What is wrong with a value, in no words of Java's or of the library's. */
  private static String problem(DatabindException failure) {
    return switch (failure) {
      case ValueInstantiationException e when e.getCause() != null ->
          firstLine(String.valueOf(e.getCause().getMessage())); // which is ours
      case InvalidFormatException e -> ofFormat(e);
      default -> "it is no value of the kind that belongs here";
    };
  }

  private static String ofFormat(InvalidFormatException e) {
    String value = "'" + e.getValue() + "'";
    Class<?> type = e.getTargetType();
    if (type.isEnum()) {
      return value
          + " is none of "
          + Stream.of(type.getEnumConstants())
              .map(constant -> constant.toString().toLowerCase(Locale.ROOT))
              .collect(Collectors.joining(", "));
    }
    if (e.getValue() instanceof String && type.isPrimitive()) {
      return value + (type == boolean.class ? " is neither true nor false" : " is not a number");
    }
    // Ours, behind what the library says of the value.
    return firstLine(e.getOriginalMessage())
        .replaceFirst(
            "^Cannot deserialize value of type `[^`]*` from (String \".*\"|\\S+ \\S+): ", "");
  }

  private static String path(DatabindException e) {
    StringBuilder path = new StringBuilder();
    e.getPath()
        .forEach(step -> path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName()));
    return path.toString();
  }

  private static String firstLine(String text) {
    return text.lines().findFirst().orElse("");
  }
}
