package io.jobworker.acceptance.support;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The command line as one client of one server. */
public final class Cli {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final Path config;
  private final String address;

  Cli(Path config, String address) {
    this.config = config;
    this.address = address;
  }

  /** The client's configuration. */
  public Path config() {
    return config;
  }

  /** The same client at another address. */
  public Cli at(String other) {
    return new Cli(config, other);
  }

  /** Runs job-worker. */
  public Result run(String... arguments) {
    List<String> words = words(arguments);
    if (!words.contains("--config")) {
      words.addAll(1, List.of("--config", config.toString()));
    }
    return Programs.call(Programs.CLIENT, words);
  }

  /** Starts a job and answers its id. */
  public String start(String... arguments) {
    List<String> all = new ArrayList<>(List.of("start"));
    all.addAll(List.of(arguments));
    return run(all.toArray(String[]::new)).succeeded().text();
  }

  public JsonNode status(String id) {
    return JSON.readTree(run("status", "-o", "json", id).succeeded().text());
  }

  /** Removes a job that has ended, when it is cleaned up. */
  public Result remove(String job) {
    return await()
        .atMost(Programs.PATIENCE)
        .until(() -> run("rm", job), answer -> !answer.err().contains("still being cleaned up"));
  }

  /** Runs job-worker as a process of its own. */
  public Result runAlone(String... arguments) throws IOException {
    return Programs.finished(spawn(arguments));
  }

  /** The same in the background; its output is thrown away unless read. */
  public Process spawn(String... arguments) throws IOException {
    return process(arguments).start();
  }

  /** A process of its own, not started yet. */
  public ProcessBuilder process(String... arguments) {
    List<String> command = new ArrayList<>(List.of(Programs.path(Programs.CLIENT)));
    command.addAll(words(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().put("JOB_WORKER_CONFIG", config.toString());
    builder.environment().putAll(Programs.STATE);
    return builder;
  }

  /** The verb first: {@code start -- CMD} takes everything that follows. */
  private List<String> words(String... arguments) {
    List<String> words = new ArrayList<>(List.of(arguments[0], "--address", address));
    words.addAll(Arrays.asList(arguments).subList(1, arguments.length));
    return words;
  }
}
