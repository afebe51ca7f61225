package io.jobworker.cli.spec;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.google.protobuf.Duration;
import io.jobworker.api.v1.Isolation;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.Limits;
import io.jobworker.base.units.ByteSize;
import io.jobworker.base.units.Durations;
import io.jobworker.base.usage.Nearest;
import io.jobworker.cli.connect.UsageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * A job in a file, in TOML: what the options of {@code start} say, under their names; {@code
 * docs/job.schema.json} describes it. What is not given is null.
 */
@SuppressWarnings("ImmutableMemberCollection") // read once, and gone
record JobFile(
    @JsonProperty("command") @Nullable List<String> command,
    @JsonProperty("name") @Nullable String name,
    @JsonProperty("working-dir") @Nullable String workingDir,
    @JsonProperty("timeout") @Nullable String timeout,
    @JsonProperty("grace") @Nullable String grace,
    @JsonProperty("output-limit") @Nullable String outputLimit,
    @JsonProperty("merge-output") @Nullable Boolean mergeOutput,
    @JsonProperty("network") @Nullable String network,
    @JsonProperty("filesystem") @Nullable String filesystem,
    @JsonProperty("env") @Nullable Map<String, String> env,
    @JsonProperty("labels") @Nullable Map<String, String> labels,
    @JsonProperty("limits") @Nullable Map<String, Object> limits,
    @JsonProperty("io") @Nullable List<Map<String, Object>> io) {

  /** As much as a server takes of a request (docs/requests.md). */
  private static final int MAX_BYTES = 3 << 20;

  /**
   * Reads a file.
   *
   * @throws UsageException with what is wrong, and where in the file
   */
  static JobSpec read(Path file) {
    String text;
    try (InputStream in = Files.newInputStream(file)) {
      byte[] bytes = in.readNBytes(MAX_BYTES + 1);
      if (bytes.length > MAX_BYTES) {
        throw new UsageException("--file: " + file + " is larger than any request");
      }
      text = UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new UsageException("--file: " + file + " is not UTF-8");
    } catch (IOException e) {
      throw new UsageException("--file: cannot read " + file);
    }
    try {
      return parse(text).toSpec();
    } catch (DatabindException e) {
      String key = key(e);
      throw new UsageException(
          file
              + ": "
              + (key.isEmpty() ? firstLine(e) : "'" + key + "' is not understood" + hint(e, key)));
    } catch (JacksonException e) {
      throw new UsageException(file + ": " + firstLine(e));
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new UsageException(file + ": " + e.getMessage());
    }
  }

  private static JobFile parse(String text) {
    return TomlMapper.builder()
        .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
        .build()
        .readValue(text, JobFile.class);
  }

  private static String key(DatabindException e) {
    StringBuilder path = new StringBuilder();
    for (JacksonException.Reference step : e.getPath()) {
      if (step.getPropertyName() != null) {
        path.append(path.isEmpty() ? "" : ".").append(step.getPropertyName());
      }
    }
    return path.toString();
  }

  /** What may have been meant by a key that there is not. */
  private static String hint(DatabindException e, String key) {
    if (!(e instanceof UnrecognizedPropertyException unknown)) {
      return "";
    }
    return Amounts.keys(Limits.getDescriptor()).contains(key)
        ? "; it belongs below [limits]"
        : Nearest.hint(key, unknown.getKnownPropertyIds().stream().map(String::valueOf).toList());
  }

  private static String firstLine(JacksonException e) {
    String line = e.getLocation() == null ? "" : "line " + e.getLocation().getLineNr() + ": ";
    return line + e.getOriginalMessage().lines().findFirst().orElse("not TOML");
  }

  private JobSpec toSpec() {
    JobSpec.Builder job = JobSpec.newBuilder();
    given(command, job::addAllCommand);
    given(name, job::setName);
    given(workingDir, job::setWorkingDir);
    given(timeout, text -> job.setTimeout(duration("timeout", text)));
    given(grace, text -> job.setGrace(duration("grace", text)));
    given(outputLimit, text -> job.setOutputRetainBytes(size("output-limit", text)));
    given(mergeOutput, job::setMergeOutput);
    given(env, job::putAllEnv);
    given(labels, job::putAllLabels);
    addLimits(job);
    Isolation.Builder isolation = Isolation.newBuilder();
    given(network, text -> isolation.setNetworkValue(number("network", text, "host", "none")));
    given(
        filesystem,
        text -> isolation.setFilesystemValue(number("filesystem", text, "host", "read-only")));
    if (!isolation.build().equals(Isolation.getDefaultInstance())) {
      job.setIsolation(isolation);
    }
    return job.build();
  }

  private void addLimits(JobSpec.Builder job) {
    Limits.Builder wire = Limits.newBuilder();
    given(limits, table -> Amounts.read("limits", table, wire));
    given(io, tables -> tables.forEach(table -> Amounts.read("io", table, wire.addIoBuilder())));
    if (!wire.build().equals(Limits.getDefaultInstance())) {
      job.setLimits(wire);
    }
  }

  private static <T> void given(@Nullable T value, Consumer<T> use) {
    if (value != null) {
      use.accept(value);
    }
  }

  private static long size(String key, String text) {
    try {
      return ByteSize.parse(text).bytes();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(key + ": " + e.getMessage(), e);
    }
  }

  private static Duration duration(String key, String text) {
    try {
      java.time.Duration time = Durations.parse(text);
      return Duration.newBuilder().setSeconds(time.getSeconds()).setNanos(time.getNano()).build();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(key + ": " + e.getMessage(), e);
    }
  }

  /** The number of an enumeration's value: the contract's first is 1. */
  private static int number(String key, String text, String... names) {
    int at = List.of(names).indexOf(text.toLowerCase(Locale.ROOT));
    if (at < 0) {
      throw new IllegalArgumentException(
          key + ": '" + text + "' is none of " + String.join(", ", names));
    }
    return at + 1;
  }
}
