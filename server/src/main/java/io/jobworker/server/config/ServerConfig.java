package io.jobworker.server.config;

import io.jobworker.core.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * {@code server.toml}. Every key must be there and none may be unknown, so that a typing error is
 * an error and not a default; {@code init} writes the file whole, with a comment at each key.
 *
 * @param listen HOST:PORT to listen on; port 0 takes a free one
 */
public record ServerConfig(
    String listen, Tls tls, State state, Cgroup cgroup, Output output, Job job) {

  /** PEM files; relative paths are below the directory of {@code server.toml}. */
  public record Tls(String ca, String cert, String key) {}

  /** Where jobs and their output are kept. */
  public record State(String directory) {}

  /** The service's own directory below the cgroup v2 mount. */
  public record Cgroup(String root) {}

  /**
   * What is kept and sent of the output of jobs.
   *
   * @param retain how much output is kept for a job that does not say
   * @param maxMessage the largest message of a log stream
   */
  public record Output(ByteSize retain, ByteSize maxMessage) {}

  /**
   * Resource limits of every job, as {@code SOFT:HARD} by their names in {@code ulimit}'s manual.
   */
  public record Job(Map<String, String> rlimits) {
    public Job {
      rlimits = Map.copyOf(rlimits);
    }
  }

  private static final TomlMapper TOML =
      TomlMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.KEBAB_CASE)
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
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
    try {
      return TOML.readValue(text, ServerConfig.class);
    } catch (UnrecognizedPropertyException e) {
      throw new ConfigException(file + ": unknown key '" + path(e) + "'");
    } catch (MismatchedInputException e) {
      throw new ConfigException(
          String.valueOf(e.getMessage()).startsWith("Missing creator property")
              ? file + ": the key '" + path(e) + "' is missing"
              : file + ": " + path(e) + ": " + firstLine(e.getOriginalMessage()));
    } catch (DatabindException e) {
      throw new ConfigException(file + ": " + path(e) + ": " + firstLine(e.getOriginalMessage()));
    } catch (JacksonException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      throw new ConfigException(file + ", line " + line + ": " + firstLine(e.getOriginalMessage()));
    }
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
