package io.jobworker.server.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerDirectory;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The address that a client is given is one at which it can reach the server. */
class ClientFileTest {
  @TempDir private Path parent = Path.of("");

  private ServerDirectory init(String listen, String... hosts) throws IOException {
    ServerDirectory directory = new ServerDirectory(parent.resolve("server"));
    List<String> words = new ArrayList<>(List.of("--dir", directory.path().toString()));
    for (String host : hosts) {
      words.addAll(List.of("--host", host));
    }
    run(new InitCommand(), words.toArray(String[]::new));
    String toml = Files.readString(directory.config());
    Files.writeString(
        directory.config(), toml.replaceFirst("(?m)^listen = .*", "listen = \"" + listen + "\""));
    return directory;
  }

  private static void run(Object command, String... words) {
    CommandLine line = new CommandLine(command);
    line.setOut(new PrintWriter(new StringWriter()));
    List<ConfigException> refusals = new ArrayList<>();
    line.setExecutionExceptionHandler((e, _, _) -> {
      refusals.add((ConfigException) e);
      return 1;
    });
    int code = line.execute(words);
    if (!refusals.isEmpty()) {
      throw refusals.getFirst();
    }
    assertThat(code).isZero();
  }

  private static String add(ServerDirectory directory, String name, String... options)
      throws IOException {
    List<String> words = new ArrayList<>(List.of("add", name, "--dir"));
    words.add(directory.path().toString());
    words.addAll(List.of(options));
    run(new ClientCommand(), words.toArray(String[]::new));
    return address(directory, name);
  }

  private static String address(ServerDirectory directory, String name) throws IOException {
    return Files.readString(directory.clientConfig(name))
        .lines()
        .filter(line -> line.startsWith("address = "))
        .findFirst()
        .orElseThrow()
        .replaceAll("address = |\"", "");
  }

  @Test
  void itIsTheFirstNameThatInitWasGiven() throws Exception {
    ServerDirectory directory = init("0.0.0.0:7443", "build1", "10.0.0.7");
    assertThat(add(directory, "alice")).isEqualTo("build1:7443");
  }

  @Test
  void anIpv6AddressIsWrittenInBrackets() throws Exception {
    ServerDirectory directory = init("[::]:7443", "2001:db8::7");
    assertThat(add(directory, "alice")).isEqualTo("[2001:db8:0:0:0:0:0:7]:7443");
  }

  @Test
  void withoutANameItIsWhereTheServerListensAndNoWildcard() throws Exception {
    ServerDirectory directory = init("0.0.0.0:7443");
    assertThat(add(directory, "alice")).isEqualTo("localhost:7443");
    Files.writeString(
        directory.config(),
        Files.readString(directory.config()).replace("0.0.0.0:7443", "127.0.0.1:7444"));
    assertThat(add(directory, "bob")).isEqualTo("127.0.0.1:7444");
  }

  @Test
  void aPortThatIsNotKnownYetIsNotWritten() throws Exception {
    ServerDirectory directory = init("127.0.0.1:0");
    assertThatThrownBy(() -> add(directory, "alice"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("start it first, or name the address by --address");
    assertThat(directory.clientConfig("alice")).doesNotExist();
    ServerDirectory.createParentPrivately(directory.address());
    Files.writeString(directory.address(), "127.0.0.1:34567\n"); // as a server that runs does
    assertThat(add(directory, "alice")).isEqualTo("127.0.0.1:34567");
  }

  @Test
  void whatIsAskedForCountsAndIsKeptByARenewal() throws Exception {
    ServerDirectory directory = init("0.0.0.0:7443", "build1");
    assertThat(add(directory, "alice", "--address", "10.9.8.7:443")).isEqualTo("10.9.8.7:443");
    String dir = directory.path().toString();
    run(new CertsCommand(), "renew", "--client", "alice", "--dir", dir);
    assertThat(address(directory, "alice")).isEqualTo("10.9.8.7:443");
    run(new CertsCommand(), "renew", "--client", "alice", "--address", "b:1", "--dir", dir);
    assertThat(address(directory, "alice")).isEqualTo("b:1");
  }

  @Test
  void whatNoClientCanReachIsRefused() throws Exception {
    ServerDirectory directory = init("0.0.0.0:7443");
    for (String address : List.of("0.0.0.0:7443", "[::]:7443", "build1:0", "build1", ":1")) {
      assertThatThrownBy(() -> add(directory, "alice", "--address", address))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith("--address: ");
    }
  }
}
