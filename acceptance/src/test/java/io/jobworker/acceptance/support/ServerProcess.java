package io.jobworker.acceptance.support;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A real server process with its own directory, port and cgroup, and the clients alice and bob. It
 * may die and come back; closed, it leaves nothing.
 */
public final class ServerProcess implements AutoCloseable {
  /** Before its command: it leads its session, as a daemon does. */
  public static final List<String> DAEMON = List.of("setsid");

  /** For its JVM; null: those that it is shipped with, as benchmarks want them. */
  private static final @Nullable String JAVA_OPTIONS =
      System.getProperty("acceptance.server.options");

  private static final Path CGROUPS = Path.of("/sys/fs/cgroup");
  private static final AtomicInteger COUNT = new AtomicInteger();

  private final Path home; // for the server's directory and its log
  private final Path directory;
  private final String cgroupRoot =
      "job-worker-acceptance-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
  private final Path logFile;
  private final ServerLog log;
  private final int port = freePort();
  private final List<String> prefix;
  private Process process;

  private ServerProcess(ServerToml toml, List<String> prefix, String name) throws IOException {
    this.prefix = prefix;
    home = Files.createTempDirectory("job-worker-acceptance-");
    directory = home.resolve(name);
    logFile = home.resolve("server.log");
    log = new ServerLog(logFile, directory.resolve("audit"));
    PreparedDirectory.copyTo(directory);
    configure(toml);
    process = serve();
  }

  /** Starts a server that is configured as it is shipped. */
  public static ServerProcess start() {
    return start(ServerToml.shipped());
  }

  public static ServerProcess start(ServerToml toml) {
    return start(toml, List.of());
  }

  /** Starts one by a command that takes the server's as its arguments. */
  public static ServerProcess start(ServerToml toml, List<String> prefix) {
    return start(toml, prefix, "server");
  }

  /** Likewise, in a directory of this name. */
  public static ServerProcess start(ServerToml toml, List<String> prefix, String name) {
    try {
      return new ServerProcess(toml, prefix, name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A port for all of a server's lives, so that clients find it again. Not one of those that the
   * kernel gives to connections: a client that looks for a dead server could be given the server's.
   */
  public static int freePort() {
    for (int tries = 0; ; tries++) {
      int candidate = ThreadLocalRandom.current().nextInt(10_000, 30_000);
      try (ServerSocket socket = new ServerSocket()) {
        socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), candidate));
        return candidate;
      } catch (IOException e) {
        if (tries == 100) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  // --- its life

  private Process spawn() throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(serveCommand());
    command.addAll(List.of("--listen", address()));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment());
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(logFile.toFile()));
    return builder.start();
  }

  private Map<String, String> environment() {
    return JAVA_OPTIONS == null ? Map.of() : Map.of("JOB_WORKER_JAVA_OPTS", JAVA_OPTIONS);
  }

  private List<String> serveCommand() {
    return List.of(Programs.path(Programs.SERVER), "serve", "--dir", directory.toString());
  }

  private Process serve() throws IOException {
    Process started = spawnAndAwait();
    assertThat(started.isAlive()).as(log::lastWords).isTrue();
    return started;
  }

  private Process spawnAndAwait() throws IOException {
    Process started = spawn();
    try {
      await()
          .atMost(Programs.PATIENCE)
          .until(() -> Files.exists(directory.resolve("run/address")) || !started.isAlive());
    } catch (ConditionTimeoutException e) {
      AssertionError failure =
          new AssertionError("the server does not serve; " + threads(started), e);
      started.destroyForcibly(); // nobody else knows of it
      throw failure;
    }
    return started;
  }

  /** What a server that does not do as it should is at: its log and the stacks of its threads. */
  private String threads(Process process) {
    Path virtual = home.resolve("threads.txt");
    String platform = jcmd(process, "Thread.print").text();
    jcmd(process, "Thread.dump_to_file", "-overwrite", virtual.toString());
    try {
      return "its log ends with:\n%s\n%s\n%s"
          .formatted(
              log.lastWords(), platform, Files.exists(virtual) ? Files.readString(virtual) : "");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Result jcmd(Process process, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString());
    command.add(Long.toString(process.pid()));
    command.addAll(List.of(arguments));
    return Programs.run(command, Map.of());
  }

  /** SIGKILL. */
  public void kill() throws Exception {
    process.destroyForcibly().waitFor();
    Files.deleteIfExists(directory.resolve("run/address"));
  }

  /** Starts a new server on the same directory after an end. */
  public void restart() throws Exception {
    process = serve();
  }

  /** The same, if that can be done; answers whether it serves. */
  public boolean restartIfPossible() throws IOException {
    process = spawnAndAwait();
    return process.isAlive();
  }

  /** Starts a new server after an end, and kills it after so many milliseconds. */
  public void restartAndKillWithin(int millis) throws Exception {
    process = spawn();
    process.waitFor(millis, TimeUnit.MILLISECONDS);
    kill();
  }

  /** Tries to serve, and answers what a server says that ends at once. */
  public Result refusal() {
    List<String> command = new ArrayList<>(serveCommand());
    command.addAll(List.of("--listen", "127.0.0.1:0"));
    return Programs.run(command, environment());
  }

  /** SIGTERM; answers the exit code. */
  public int terminate() {
    process.destroy();
    await().atMost(Programs.PATIENCE).until(() -> !process.isAlive());
    return process.exitValue();
  }

  // --- what it is made of

  public Path directory() {
    return directory;
  }

  public long pid() {
    return process.pid();
  }

  public int port() {
    return port;
  }

  public String address() {
    return "127.0.0.1:" + port;
  }

  public ServerLog log() {
    return log;
  }

  public Certificates certificates() {
    return new Certificates(directory, port);
  }

  /** The command line as one of its clients. */
  public Cli as(String client) {
    return new Cli(directory.resolve("clients").resolve(client + ".toml"), address());
  }

  /** Changes its configuration for its next life. */
  public void configure(ServerToml toml) {
    toml.with("cgroup.root", cgroupRoot).write(directory.resolve("server.toml"));
  }

  /** Runs job-worker-server with this server's directory. */
  public Result admin(String... arguments) {
    List<String> words = new ArrayList<>(List.of(arguments));
    words.addAll(List.of("--dir", directory.toString()));
    return Programs.call(Programs.SERVER, words);
  }

  /** The same as a process of its own. */
  public Result adminAlone(String... arguments) {
    return adminAlone(List.of(), arguments);
  }

  /** Likewise, by a command that takes the server's as its arguments. */
  public Result adminAlone(List<String> before, String... arguments) {
    List<String> command = new ArrayList<>(before);
    command.add(Programs.path(Programs.SERVER));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--dir", directory.toString()));
    return Programs.run(command, environment());
  }

  public void addClient(String name, String... options) {
    List<String> arguments = new ArrayList<>(List.of("client", "add", name));
    arguments.addAll(List.of(options));
    admin(arguments.toArray(String[]::new)).succeeded();
  }

  /** This server's own part of the cgroup tree, if there is one. */
  public Optional<Path> cgroup() {
    return Stream.of(CGROUPS.resolve("unified"), CGROUPS)
        .map(mount -> mount.resolve(cgroupRoot))
        .filter(Files::isDirectory)
        .findFirst();
  }

  /** The cgroups that its jobs have now. */
  public List<Path> jobCgroups() throws IOException {
    Optional<Path> root = cgroup();
    if (root.isEmpty()) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(root.get().resolve("jobs"))) {
      return entries.filter(Files::isDirectory).toList();
    }
  }

  // --- its end

  /** Stops what runs of the client's. */
  public void stopJobsOf(String client) {
    stopJobs(client::equals);
  }

  private void stopJobs(Predicate<String> ofClient) {
    List<String> ended =
        log.events("job.ended").stream().map(event -> event.path("job").asString()).toList();
    for (JsonNode started : log.events("job.started")) {
      String id = started.path("job").asString();
      String client = started.path("client").asString();
      if (ofClient.test(client) && !ended.contains(id)) {
        as(client).run("stop", id);
      }
    }
  }

  /**
   * Ends what of its jobs runs yet, which would take the CPU from all tests that follow. A launcher
   * that is at its end, or a helper that removes files, is none of them.
   */
  private static List<String> leftovers(Path cgroup) throws IOException {
    List<String> processes = new ArrayList<>();
    try (Stream<Path> files = Files.walk(cgroup)) {
      for (Path file : files.filter(ServerProcess::listsProcessesOfJob).toList()) {
        processes.addAll(Files.readAllLines(file));
      }
    }
    processes.forEach(
        pid -> ProcessHandle.of(Long.parseLong(pid)).ifPresent(ProcessHandle::destroyForcibly));
    return processes;
  }

  private static boolean listsProcessesOfJob(Path file) {
    return file.endsWith("cgroup.procs") && file.toString().contains("/job/");
  }

  /** False while a process is in it, or at its end, when no list shows it any more. */
  private static boolean removed(Path cgroup) throws IOException {
    try (Stream<Path> files = Files.walk(cgroup)) {
      for (Path group :
          files.filter(Files::isDirectory).sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(group);
      }
      return true;
    } catch (FileSystemException e) {
      assertThat(e.getReason()).isEqualTo("Device or resource busy");
      return false;
    }
  }

  /** Stops all jobs and the server, and removes what they used. */
  @Override
  public void close() {
    if (process.isAlive()) {
      stopJobs(_ -> true);
      terminate();
    }
    try {
      Optional<Path> cgroup = cgroup();
      if (cgroup.isPresent()) {
        assertThat(leftovers(cgroup.get())).as("processes that outlived their stop").isEmpty();
        await().atMost(Programs.PATIENCE).until(() -> removed(cgroup.get()));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    PreparedDirectory.delete(home);
  }
}
