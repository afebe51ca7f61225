package io.jobworker.cli.connect;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * How to reach the server: {@code NAME.toml} as {@code job-worker-server client add} writes it.
 *
 * @param address HOST:PORT
 * @param ca the authority's certificate, in PEM or as a file's path, which is relative to the file
 *     that names it
 * @param cert the client's certificate, likewise
 * @param key the client's private key, likewise
 */
public record ClientConfig(
    @JsonProperty(required = true) String address,
    @JsonProperty(required = true) String ca,
    @JsonProperty(required = true) String cert,
    @JsonProperty(required = true) String key) {

  private static final String PEM_START = "-----BEGIN";

  /** Reads the file and whatever files it names; all values are PEM afterwards. */
  static ClientConfig read(Path file) {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new UsageException(
          "cannot read the configuration "
              + file
              + "; get one from 'job-worker-server client add' and name it with --config or"
              + " JOB_WORKER_CONFIG");
    }
    try {
      ClientConfig config =
          TomlMapper.builder()
              .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
              .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
              .build()
              .readValue(text, ClientConfig.class);
      Path base = file.toAbsolutePath();
      return new ClientConfig(
          config.address, pem(base, config.ca), pem(base, config.cert), pem(base, config.key));
    } catch (JacksonException e) {
      throw new UsageException(
          "the configuration "
              + file
              + " is wrong: "
              + e.getOriginalMessage().lines().findFirst().orElse(""));
    }
  }

  private static String pem(Path base, String value) {
    return value.contains(PEM_START) ? value : readPem(base.resolveSibling(OsString.path(value)));
  }

  static String readPem(Path file) {
    try {
      return Files.readString(file, StandardCharsets.US_ASCII);
    } catch (IOException e) {
      throw new UsageException("cannot read " + file);
    }
  }
}
