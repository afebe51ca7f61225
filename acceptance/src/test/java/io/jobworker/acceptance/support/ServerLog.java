package io.jobworker.acceptance.support;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What a server has written of its doings, in all its lives: its log and its audit log. */
public final class ServerLog {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Path file;
  private final Path audit;

  ServerLog(Path file, Path audit) {
    this.file = file;
    this.audit = audit;
  }

  /** Where it logs; the audit log is elsewhere. */
  public Path file() {
    return file;
  }

  /** The log's end, for whoever finds its server dead. */
  public String lastWords() {
    String text = text(file);
    return text.substring(Math.max(0, text.length() - 1000));
  }

  /** All events so far with this name. */
  public List<JsonNode> events(String name) {
    return Stream.concat(text(file).lines().filter(line -> line.startsWith("{")), auditLines())
        .filter(line -> line.contains(name) && line.endsWith("}")) // the last may be on its way
        .map(JSON::readTree)
        .filter(event -> event.path("event").asString().equals(name))
        .toList();
  }

  /** The lines of the audit log so far, the oldest first. */
  public List<JsonNode> audit() {
    return auditLines().map(JSON::readTree).toList();
  }

  private Stream<String> auditLines() {
    List<String> lines = new ArrayList<>();
    for (String name : List.of("audit.jsonl.2", "audit.jsonl.1", "audit.jsonl")) {
      Path path = audit.resolve(name);
      if (Files.exists(path)) {
        lines.addAll(text(path).lines().filter(line -> line.endsWith("}")).toList());
      }
    }
    return lines.stream();
  }

  /** The first event with this name that concerns this job; waits for it. */
  public JsonNode event(String name, String job) {
    return event(name, "job", job);
  }

  /**
   * The first event with this name and this value in this field; waits for it, as a line of the log
   * is written beside the call that it tells of and may come after its answer.
   */
  public JsonNode event(String name, String field, String value) {
    return first(name, event -> event.path(field).asString().equals(value));
  }

  /** The first event with this name; waits for it. */
  public JsonNode anyEvent(String name) {
    return first(name, _ -> true);
  }

  /** The first event with this name that is such; waits for it. */
  public JsonNode first(String name, Predicate<JsonNode> wanted) {
    return await()
        .atMost(Programs.PATIENCE)
        .until(() -> events(name).stream().filter(wanted).findFirst(), Optional::isPresent)
        .orElseThrow();
  }

  /** Waits until there are so many events with this name. */
  public void awaitEvents(String name, int count) {
    await().atMost(Programs.PATIENCE).until(() -> events(name).size() == count);
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
