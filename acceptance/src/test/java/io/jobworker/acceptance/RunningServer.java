package io.jobworker.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.grpc.ManagedChannel;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.netty.handler.ssl.SslContextBuilder;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real server process with its own directory, and the real command line to use it with. */
public final class RunningServer implements AutoCloseable {
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path CGROUPS = Path.of("/sys/fs/cgroup");
  private static final AtomicInteger COUNT = new AtomicInteger();
  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** What a program did. */
  @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
  public record Result(int exitCode, byte[] out, String err) {
    public String text() {
      return new String(out, UTF_8).strip();
    }

    public Result succeeded() {
      assertThat(exitCode).as(err).isZero();
      return this;
    }
  }

  private final Path directory;
  private final String cgroupRoot =
      "job-worker-acceptance-" + ProcessHandle.current().pid() + "-" + COUNT.incrementAndGet();
  private final Path log;
  private final int port = freePort();
  private final List<String> prefix;
  private Process process;

  private RunningServer(UnaryOperator<String> settings, List<String> prefix) throws IOException {
    this.prefix = prefix;
    directory = Files.createTempDirectory("job-worker-acceptance-").resolve("server");
    log = directory.resolveSibling("server.log");
    admin("init").succeeded();
    Path config = directory.resolve("server.toml");
    Files.writeString(
        config,
        settings.apply(
            Files.readString(config)
                .replace("root = \"job-worker\"", "root = \"" + cgroupRoot + "\"")));
    process = serve();
  }

  /** Starts a server with the clients alice and bob. */
  public static RunningServer start() {
    return start(UnaryOperator.identity());
  }

  /** Starts a server whose {@code server.toml} is changed by {@code settings} first. */
  public static RunningServer start(UnaryOperator<String> settings) {
    return start(settings, List.of());
  }

  /** Settings without a bound on what a client may have, for those who want to see what can be. */
  public static String withoutQuotas(String toml) {
    String quota = toml.substring(toml.indexOf("[quota]"), toml.indexOf("[audit]"));
    return toml.replace(
        quota,
        quota
            .replaceAll("(?m)^([a-z-]+ = )\\d+", "$10")
            .replaceAll("(?m)^(retained-output = ).*", "$1\"0\""));
  }

  /** Stops what runs of the client's. */
  public void killAllJobsOf(String client) {
    List<String> ended =
        events("job.ended").stream().map(event -> event.path("job").asString()).toList();
    for (JsonNode started : events("job.started")) {
      String id = started.path("job").asString();
      if (started.path("client").asString().equals(client) && !ended.contains(id)) {
        cli(client, "stop", id);
      }
    }
  }

  /** Starts one by a command that takes the server's as its arguments. */
  public static RunningServer start(UnaryOperator<String> settings, List<String> prefix) {
    try {
      RunningServer server = new RunningServer(settings, prefix);
      server.addClient("alice");
      server.addClient("bob");
      return server;
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

  private Process spawn() throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            ROOT.resolve("bin/job-worker-server").toString(),
            "serve",
            "--dir",
            directory.toString(),
            "--listen",
            "127.0.0.1:" + port));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    return builder.start();
  }

  private Process serve() throws IOException {
    Process started = spawn();
    await()
        .atMost(PATIENCE)
        .until(() -> Files.exists(directory.resolve("run/address")) || !started.isAlive());
    assertThat(started.isAlive()).as(() -> readLog()).isTrue();
    return started;
  }

  // --- the server's side

  public Path directory() {
    return directory;
  }

  public long pid() {
    return process.pid();
  }

  public String address() {
    return "127.0.0.1:" + port;
  }

  public int port() {
    return port;
  }

  /** Runs job-worker-server with this server's directory. */
  public Result admin(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(ROOT.resolve("bin/job-worker-server").toString());
    command.addAll(List.of(arguments));
    command.addAll(List.of("--dir", directory.toString()));
    return run(command, Map.of());
  }

  public void addClient(String name, String... options) {
    List<String> arguments = new ArrayList<>(List.of("client", "add", name));
    arguments.addAll(List.of(options));
    admin(arguments.toArray(String[]::new)).succeeded();
  }

  /** SIGKILL, and a new server on the same directory. */
  public void killAndRestart() throws Exception {
    kill();
    process = serve();
  }

  /** SIGKILL. */
  public void kill() throws Exception {
    process.destroyForcibly().waitFor();
    Files.deleteIfExists(directory.resolve("run/address"));
  }

  /** Starts a new server after a kill, and kills it after so many milliseconds. */
  public void restartAndKillWithin(int millis) throws Exception {
    process = spawn();
    process.waitFor(millis, TimeUnit.MILLISECONDS);
    kill();
  }

  /** Tries to serve after a kill, and answers what it says as it ends. */
  public Result refusal() throws Exception {
    return run(
        List.of(
            ROOT.resolve("bin/job-worker-server").toString(),
            "serve",
            "--dir",
            directory.toString()),
        Map.of());
  }

  /** Starts a new server after a kill. */
  public void restart() throws Exception {
    process = serve();
  }

  /** SIGTERM; answers the exit code. */
  public int terminate() {
    process.destroy();
    await().atMost(PATIENCE).until(() -> !process.isAlive());
    return process.exitValue();
  }

  /** All events logged so far with this name. */
  public List<JsonNode> events(String name) {
    return lines()
        .filter(line -> line.endsWith("}")) // the last one may still be on its way
        .map(JSON::readTree)
        .filter(event -> event.path("event").asString().equals(name))
        .toList();
  }

  /** The lines of its audit log so far, the oldest first. */
  public List<JsonNode> auditLog() {
    return auditLines().map(JSON::readTree).toList();
  }

  private Stream<String> auditLines() {
    List<String> lines = new ArrayList<>();
    for (String file : List.of("audit.jsonl.2", "audit.jsonl.1", "audit.jsonl")) {
      Path path = directory.resolve("audit").resolve(file);
      if (Files.exists(path)) {
        lines.addAll(text(path).lines().filter(line -> line.endsWith("}")).toList());
      }
    }
    return lines.stream();
  }

  private Stream<String> lines() {
    return Stream.concat(readLog().lines().filter(line -> line.startsWith("{")), auditLines());
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
    return await()
        .atMost(PATIENCE)
        .until(
            () ->
                events(name).stream()
                    .filter(event -> event.path(field).asString().equals(value))
                    .findFirst(),
            Optional::isPresent)
        .orElseThrow();
  }

  /** The first event with this name; waits for it. */
  public JsonNode anyEvent(String name) {
    return await()
        .atMost(PATIENCE)
        .until(() -> events(name).stream().findFirst(), Optional::isPresent)
        .orElseThrow();
  }

  /** The end of its log, for whoever finds it dead. */
  public String lastWords() {
    String text = readLog();
    return text.substring(Math.max(0, text.length() - 1000));
  }

  /** Where it logs. */
  public Path log() {
    return log;
  }

  private String readLog() {
    return text(log);
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  // --- what the server takes of the machine, for benchmarks

  /** CPU time that the server, all launchers and all jobs have used so far. */
  public double cpuSeconds() {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid() + "/stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      double ticks = Double.parseDouble(fields[11]) + Double.parseDouble(fields[12]); // proc(5)
      double launchers = 0;
      if (cgroup().isPresent()) {
        String usage = Files.readString(cgroup().get().resolve("jobs/cpu.stat"));
        launchers = Double.parseDouble(usage.lines().findFirst().orElse("x 0").split(" ", -1)[1]);
      }
      return ticks / 100 + launchers / 1e6;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * The memory that the server holds now, without the page cache that it has mapped; ask for a
   * collection first.
   */
  public double memoryBytes() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + pid() + "/status"))) {
      String line = lines.filter(l -> l.startsWith("RssAnon:")).findFirst().orElseThrow();
      return 1024 * Double.parseDouble(line.replaceAll("\\D", ""));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Has the server's JVM collect what is garbage. */
  public void collectGarbage() {
    String jcmd = Path.of(System.getProperty("java.home"), "bin/jcmd").toString();
    run(List.of(jcmd, Long.toString(pid()), "GC.run"), Map.of()).succeeded();
  }

  /** How many log streams are open. */
  public int openStreams() {
    return events("logs.opened").size() - events("logs.closed").size();
  }

  // --- the clients' side

  public Path config(String client) {
    return directory.resolve("clients").resolve(client + ".toml");
  }

  /** Runs job-worker as the client. */
  public Result cli(String client, String... arguments) {
    return cliAt(address(), client, arguments);
  }

  /** Runs job-worker as the client against another address. */
  public Result cliAt(String address, String client, String... arguments) {
    return run(cliCommand(address, arguments), environment(client));
  }

  /** Runs job-worker with these words and no configuration from the environment. */
  public Result program(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(ROOT.resolve("bin/job-worker").toString());
    command.addAll(List.of(arguments));
    return run(command, Map.of());
  }

  /** Runs job-worker as the client, in the background; its output is thrown away unless read. */
  public Process spawnCli(String client, String... arguments) throws IOException {
    return cliProcess(client, arguments).start();
  }

  /** The command line as the client, not started yet. */
  public ProcessBuilder cliProcess(String client, String... arguments) {
    ProcessBuilder builder = new ProcessBuilder(cliCommand(address(), arguments));
    builder.environment().putAll(environment(client));
    return builder;
  }

  private static List<String> cliCommand(String address, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(ROOT.resolve("bin/job-worker").toString());
    // The verb first: `start -- CMD` takes everything that follows.
    command.add(arguments[0]);
    command.addAll(List.of("--address", address));
    command.addAll(Arrays.asList(arguments).subList(1, arguments.length));
    return command;
  }

  private Map<String, String> environment(String client) {
    return Map.of("JOB_WORKER_CONFIG", config(client).toString());
  }

  /** Starts a job and answers its id. */
  public String startJob(String client, String... arguments) {
    List<String> all = new ArrayList<>(List.of("start"));
    all.addAll(List.of(arguments));
    return cli(client, all.toArray(String[]::new)).succeeded().text();
  }

  public JsonNode status(String client, String id) {
    return JSON.readTree(cli(client, "status", "-o", "json", id).succeeded().text());
  }

  /** A channel with the client's own certificate. The caller shuts it down. */
  public ManagedChannel channel(String client) {
    return channel(pem(client, "cert"), pem(client, "key"));
  }

  /** A channel with any certificate, or none if it is empty. */
  public ManagedChannel channel(String certificatePem, String keyPem) {
    try {
      SslContextBuilder tls =
          GrpcSslContexts.forClient().trustManager(directory.resolve("ca.crt").toFile());
      if (!certificatePem.isEmpty()) {
        tls.keyManager(stream(certificatePem), stream(keyPem));
      }
      return NettyChannelBuilder.forAddress("localhost", port()).sslContext(tls.build()).build();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The client's {@code cert} or {@code key}. */
  public String pem(String client, String key) {
    try {
      String toml = Files.readString(config(client));
      int start = toml.indexOf("\n" + key + " = '''\n") + key.length() + 8;
      return toml.substring(start, toml.indexOf("'''", start));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream stream(String text) {
    return new ByteArrayInputStream(text.getBytes(UTF_8));
  }

  /** A connection on which nothing was said yet. */
  public Socket connect() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), port);
  }

  /** A connection of the client's whose handshake is done. */
  public SSLSocket connect(String client) throws IOException {
    try {
      KeyStore own = KeyStore.getInstance("PKCS12");
      own.load(null, null);
      Certificate[] chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(stream(pem(client, "cert")))
              .toArray(Certificate[]::new);
      byte[] key =
          Base64.getMimeDecoder()
              .decode(pem(client, "key").replaceAll("-----[A-Z ]+-----", "").strip());
      own.setKeyEntry(
          "client",
          KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(key)),
          new char[0],
          chain);
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(own, new char[0]);
      return handshake("TLSv1.3", keys.getKeyManagers());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The certificate that the server shows to a connection that begins now. */
  public X509Certificate shownCertificate() {
    try (SSLSocket socket = handshake("TLSv1.3")) {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A connection whose handshake had only {@code version} on offer, without a certificate. */
  public SSLSocket handshake(String version) throws IOException {
    return handshake(version, new KeyManager[0]);
  }

  private SSLSocket handshake(String version, KeyManager[] keys) throws IOException {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys, new TrustManager[] {new TrustEverybody()}, null);
      SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port);
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {"h2"});
      socket.setSSLParameters(parameters);
      socket.setEnabledProtocols(new String[] {version});
      socket.startHandshake();
      return socket;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static final class TrustEverybody implements X509TrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }

  // --- plumbing

  private static Result run(List<String> command, Map<String, String> environment) {
    try {
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().putAll(environment);
      Process process = builder.start();
      process.getOutputStream().close();
      CompletableFuture<byte[]> out = readAll(process.getInputStream());
      CompletableFuture<byte[]> err = readAll(process.getErrorStream());
      assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).as("ends").isTrue();
      return new Result(process.exitValue(), out.join(), new String(err.join(), UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  public static CompletableFuture<byte[]> readAll(InputStream stream) {
    return CompletableFuture.supplyAsync(
        () -> {
          try (stream) {
            return stream.readAllBytes();
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        },
        task -> Thread.ofVirtual().start(task));
  }

  /** The cgroups that this server's jobs have now. */
  public List<Path> jobCgroups() throws IOException {
    Optional<Path> root = cgroup();
    if (root.isEmpty()) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(root.get().resolve("jobs"))) {
      return entries.filter(Files::isDirectory).toList();
    }
  }

  /** This server's own part of the cgroup tree, if there is one. */
  public Optional<Path> cgroup() {
    return Stream.of(CGROUPS.resolve("unified"), CGROUPS)
        .map(mount -> mount.resolve(cgroupRoot))
        .filter(Files::isDirectory)
        .findFirst();
  }

  /** Stops all jobs and the server, and removes what they used. */
  @Override
  public void close() {
    if (process.isAlive()) {
      List<String> ended =
          events("job.ended").stream().map(event -> event.path("job").asString()).toList();
      for (JsonNode started : events("job.started")) {
        String id = started.path("job").asString();
        if (!ended.contains(id)) {
          cli(started.path("client").asString(), "stop", id);
        }
      }
      terminate();
    }
    try {
      removeFiles();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void removeFiles() throws IOException {
    Optional<Path> cgroup = cgroup();
    if (cgroup.isPresent()) {
      for (String child : List.of("jobs", "removal", "")) {
        Files.deleteIfExists(cgroup.get().resolve(child));
      }
    }
    try (Stream<Path> files = Files.walk(directory.getParent())) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    }
  }
}
