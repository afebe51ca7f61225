package io.jobworker.cli.connect;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.exc.MismatchedInputException;
import tools.jackson.databind.exc.UnrecognizedPropertyException;
import tools.jackson.dataformat.toml.TomlMapper;

/**
 * How to reach the server: {@code NAME.toml} as {@code job-worker-server client add} writes it.
 *
 * @param address HOST:PORT
 * @param ca the authority's certificate, in PEM or as a file's path, which is relative to the file
 *     that names it
 * @param cert the client's certificate, likewise
 * @param key the client's private key, likewise
 * @param serverName the name that the server's certificate must have, if that is not the address's
 *     host
 */
record ClientConfig(
    @JsonProperty(required = true) String address,
    @JsonProperty(required = true) String ca,
    @JsonProperty(required = true) String cert,
    @JsonProperty(required = true) String key,
    @JsonProperty("server_name") @Nullable String serverName) {

  private static final String PEM_START = "-----BEGIN";

  /**
   * Reads the file.
   *
   * @throws UsageException with one line that says what is wrong and where
   */
  static ClientConfig read(Path file) {
    String text;
    try {
      text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UsageException(
          "cannot read the configuration "
              + file
              + "; get one from 'job-worker-server client add' and name it with --config or"
              + " JOB_WORKER_CONFIG");
    }
    try {
      return TomlMapper.builder()
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build()
          .readValue(text, ClientConfig.class);
    } catch (UnrecognizedPropertyException e) {
      throw wrong(file, "there is no key '" + path(e) + "'");
    } catch (MismatchedInputException e) {
      String key = path(e);
      throw wrong(
          file,
          key.isEmpty()
              ? "it must have the keys address, ca, cert and key"
              : "the key '" + key + "' is missing, or its value is no text in quotes");
    } catch (JacksonException e) {
      int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
      throw wrong(file, "line " + line + " is not TOML");
    }
  }

  private static String path(DatabindException e) {
    return e.getPath().isEmpty() ? "" : String.valueOf(e.getPath().getLast().getPropertyName());
  }

  private static UsageException wrong(Path file, String problem) {
    return new UsageException("the configuration " + file + " is wrong: " + problem);
  }

  /** The certificates or the key that {@code value}, of this file, has or names. */
  static Pem pem(Path file, String value) {
    return value.contains(PEM_START)
        ? new Pem(value, file.toString())
        : readPem(file.toAbsolutePath().resolveSibling(OsString.path(value)));
  }

  static Pem readPem(Path file) {
    try {
      return new Pem(new String(Files.readAllBytes(file), ISO_8859_1), file.toString());
    } catch (IOException e) {
      throw new UsageException("cannot read " + file);
    }
  }
}
