package io.jobworker.server.daemon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.jobworker.base.net.HostAndPort;
import io.jobworker.core.TakeOver;
import io.jobworker.core.cgroup.CgroupHost;
import io.jobworker.server.command.InitCommand;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What is left of a server that could not start, at whatever stage: nothing. */
@Timeout(180)
class ServerTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final HostAndPort ANY_PORT = new HostAndPort("127.0.0.1", 0);
  private static final String CGROUP_ROOT =
      "job-worker-server-test-" + ProcessHandle.current().pid();

  @TempDir private Path parent = Path.of("");
  private ServerDirectory directory = new ServerDirectory(Path.of(""));
  private Held before = new Held(List.of(), List.of());

  /** What once is there for good, a first server has brought about. */
  @BeforeEach
  void makeDirectory() throws IOException {
    directory = new ServerDirectory(parent.resolve("server"));
    CommandLine init = new CommandLine(new InitCommand());
    init.setOut(new PrintWriter(new StringWriter()));
    assertThat(init.execute("--dir", directory.path().toString())).isZero();
    Server.start(directory, config(""), ANY_PORT, TakeOver.IF_WHOLE).close();
    before = Held.now();
  }

  @AfterEach
  void removeCgroups() throws IOException {
    Optional<Path> mount = CgroupHost.inspect().mount();
    if (mount.isPresent()) {
      Path root = mount.get().resolve(CGROUP_ROOT);
      for (String child : List.of("jobs", "removal", "")) {
        Files.deleteIfExists(root.resolve(child));
      }
    }
  }

  private ServerConfig config(String metrics) {
    ServerConfig made = ServerConfig.read(directory.config());
    return new ServerConfig(
        made.listen(),
        made.tls(),
        made.connections(),
        made.quota(),
        made.audit(),
        new ServerConfig.Metrics(metrics),
        made.state(),
        made.isolation(),
        made.limits(),
        new ServerConfig.Cgroup(CGROUP_ROOT),
        made.launcher(),
        made.output(),
        made.history(),
        made.shutdown(),
        made.job());
  }

  private void assertRefused(ServerConfig config, HostAndPort listen, String why) {
    assertThatThrownBy(() -> Server.start(directory, config, listen, TakeOver.IF_WHOLE))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(why)
        .hasNoSuppressedExceptions();
    assertNothingIsLeft();
  }

  private void assertNothingIsLeft() {
    await()
        .atMost(PATIENCE)
        .pollInSameThread()
        .untilAsserted(() -> assertThat(Held.now().beyond(before)).isEmpty());
    assertThat(directory.address()).doesNotExist();
  }

  private void assertStarts() {
    try (Server server = Server.start(directory, config(""), ANY_PORT, TakeOver.IF_WHOLE)) {
      assertThat(server).isNotNull();
      assertThat(directory.address()).exists();
      assertThat(Held.now().beyond(before)).isNotEmpty();
    }
    assertNothingIsLeft();
  }

  /** The socket is the test's: it was there before. */
  private ServerSocket takePort() throws IOException {
    ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    before = Held.now();
    return taken;
  }

  private static HostAndPort addressOf(ServerSocket socket) {
    return new HostAndPort("127.0.0.1", socket.getLocalPort());
  }

  @Test
  void anAuditLogThatCannotBeWrittenLeavesNothing() throws IOException {
    Path audit = directory.resolve(config("").audit().file());
    Files.delete(audit);
    Files.createDirectory(audit);
    assertRefused(config(""), ANY_PORT, "audit");
    Files.delete(audit);
    assertStarts();
  }

  @Test
  void aCertificateThatIsNoneLeavesNothing() throws IOException {
    String certificate = Files.readString(directory.serverCertificate());
    Files.writeString(directory.serverCertificate(), "nonsense");
    assertRefused(config(""), ANY_PORT, "holds no certificate");
    Files.writeString(directory.serverCertificate(), certificate);
    assertStarts();
  }

  @Test
  void anAddressForMetricsThatIsTakenLeavesNothing() throws IOException {
    try (ServerSocket taken = takePort()) {
      assertRefused(config(addressOf(taken).toString()), ANY_PORT, "metrics.listen");
    }
    before = Held.now();
    assertStarts();
  }

  @Test
  void anAddressThatIsTakenLeavesNothing() throws IOException {
    try (ServerSocket taken = takePort()) {
      assertRefused(config(""), addressOf(taken), "cannot listen on 127.0.0.1:");
    }
    before = Held.now();
    assertStarts();
  }

  @Test
  void aPlaceForItsAddressThatCannotBeWrittenLeavesNothing() throws IOException {
    Path inTheWay = directory.address().resolveSibling("address.new");
    Files.createDirectories(inTheWay.resolve("full"));
    assertRefused(config(""), ANY_PORT, "cannot write " + directory.address());
    Files.delete(inTheWay.resolve("full"));
    Files.delete(inTheWay);
    assertStarts();
  }

  @Test
  void aPlaceForItsLockThatCannotBeUsedLeavesNothing() throws IOException {
    Path away = Files.move(directory.run(), directory.path().resolve("away"));
    Files.createFile(directory.run());
    assertRefused(config(""), ANY_PORT, "cannot lock " + directory.run());
    Files.delete(directory.run());
    Files.move(away, directory.run());
    assertStarts();
  }

  /** The threads and the descriptors of this process, without those that the JVM has for itself. */
  private record Held(List<String> threads, List<String> descriptors) {
    private static final List<String> THREADS_OF_OTHERS =
        List.of("ForkJoinPool", "VirtualThread-", "process reaper", "junit-", "Attach Listener");

    static Held now() {
      List<String> threads =
          Thread.getAllStackTraces().keySet().stream()
              .map(Thread::getName)
              .filter(name -> THREADS_OF_OTHERS.stream().noneMatch(name::startsWith))
              .toList();
      return new Held(threads, openFiles());
    }

    private static List<String> openFiles() {
      List<String> found = new ArrayList<>();
      try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
        for (Path descriptor : descriptors.toList()) {
          String file = target(descriptor).replaceAll("\\[\\d+\\]", "");
          if (!file.endsWith(".jar")) { // classes are loaded when they are needed
            found.add(file);
          }
        }
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
      return found;
    }

    private static String target(Path descriptor) {
      try {
        return Files.readSymbolicLink(descriptor).toString();
      } catch (IOException e) {
        return ".jar"; // that by which the list was read
      }
    }

    /** What of this is more than there was. */
    List<String> beyond(Held earlier) {
      List<String> more = new ArrayList<>(threads);
      more.addAll(descriptors);
      earlier.threads.forEach(more::remove);
      earlier.descriptors.forEach(more::remove);
      return more;
    }
  }
}
