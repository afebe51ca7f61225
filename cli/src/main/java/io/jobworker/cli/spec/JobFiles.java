package io.jobworker.cli.spec;

import com.google.gson.JsonPrimitive;
import com.google.protobuf.Duration;
import io.jobworker.api.v1.IoLimit;
import io.jobworker.api.v1.Isolation;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.Limits;
import io.jobworker.base.units.ByteSize;
import io.jobworker.cli.connect.UsageException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Jobs in files: reads one, and writes what it would read. */
public final class JobFiles {
  private static final Pattern BARE_KEY = Pattern.compile("[A-Za-z0-9_-]+");

  private JobFiles() {}

  /**
   * The job that a file describes.
   *
   * @throws io.jobworker.cli.connect.UsageException with what is wrong, and where in the file
   */
  public static JobSpec read(Path file) {
    return JobFile.read(file);
  }

  /**
   * The job as such a file. It says everything but the standard input and the request's id.
   *
   * @throws UsageException if it has bytes that no text file can have
   */
  public static String toToml(JobSpec job) {
    if (job.getRawCommandCount() + job.getRawEnvCount() > 0 || !job.getRawWorkingDir().isEmpty()) {
      throw new UsageException("a file cannot have words that are not UTF-8; use -o json");
    }
    Toml toml = new Toml();
    toml.line(
        "command",
        job.getCommandList().stream()
            .map(JobFiles::quoted)
            .collect(Collectors.joining(", ", "[", "]")));
    toml.text("name", job.getName());
    toml.text("working-dir", job.getWorkingDir());
    if (job.hasTimeout()) {
      toml.text("timeout", text(job.getTimeout()));
    }
    if (job.hasGrace()) {
      toml.text("grace", text(job.getGrace()));
    }
    toml.size("output-limit", job.getOutputRetainBytes());
    if (job.getMergeOutput()) {
      toml.line("merge-output", "true");
    }
    Isolation isolation = job.getIsolation();
    switch (isolation.getNetwork()) {
      case NETWORK_HOST -> toml.text("network", "host");
      case NETWORK_NONE -> toml.text("network", "none");
      case NETWORK_UNSPECIFIED, UNRECOGNIZED -> {}
    }
    switch (isolation.getFilesystem()) {
      case FILESYSTEM_HOST -> toml.text("filesystem", "host");
      case FILESYSTEM_READ_ONLY -> toml.text("filesystem", "read-only");
      case FILESYSTEM_UNSPECIFIED, UNRECOGNIZED -> {}
    }
    toml.table("env", job.getEnvMap());
    toml.table("labels", job.getLabelsMap());
    limits(toml, job.getLimits());
    return toml.text.toString();
  }

  private static void limits(Toml toml, Limits limits) {
    Map<String, String> amounts = Amounts.write(limits);
    if (!amounts.isEmpty()) {
      toml.header("[limits]");
      amounts.forEach(toml::line);
    }
    for (IoLimit io : limits.getIoList()) {
      toml.header("[[io]]");
      Amounts.write(io).forEach(toml::line);
    }
  }

  private static String text(Duration time) {
    long millis = time.getSeconds() * 1000 + time.getNanos() / 1_000_000;
    return millis % 1000 == 0 ? millis / 1000 + "s" : millis + "ms";
  }

  /** A basic string of TOML is one of JSON. */
  static String quoted(String text) {
    return new JsonPrimitive(text).toString().replace("\u007f", "\\u007f");
  }

  private static final class Toml {
    private final StringBuilder text = new StringBuilder();

    void line(String key, String value) {
      text.append(key).append(" = ").append(value).append('\n');
    }

    void header(String header) {
      text.append('\n').append(header).append('\n');
    }

    void text(String key, String value) {
      if (!value.isEmpty()) {
        line(key, quoted(value));
      }
    }

    void size(String key, long bytes) {
      if (bytes != 0) {
        text(key, ByteSize.of(bytes).toString());
      }
    }

    void table(String name, Map<String, String> entries) {
      if (!entries.isEmpty()) {
        header("[" + name + "]");
        new TreeMap<>(entries)
            .forEach((key, value) ->
                line(BARE_KEY.matcher(key).matches() ? key : quoted(key), quoted(value)));
      }
    }
  }
}
