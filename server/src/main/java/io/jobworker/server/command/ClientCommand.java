package io.jobworker.server.command;

import io.jobworker.base.linux.PasswordFile;
import io.jobworker.base.net.HostAndPort;
import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.ClientRegistry;
import io.jobworker.server.clients.Role;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.quota.Quotas;
import io.jobworker.server.tls.CertificateAuthority;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code client ...}: who may use the server. All of it works while the server runs. */
@Command(
    name = "client",
    description = "Registers clients, lists them, disables and enables them.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
public final class ClientCommand {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

  @Spec private CommandSpec spec = CommandSpec.create();

  @Command(
      name = "add",
      description = "Registers a client, issues its certificate and writes DIR/clients/NAME.toml.",
      mixinStandardHelpOptions = true)
  int add(
      @Parameters(paramLabel = "NAME", description = "The client's name; its jobs belong to it.")
          String name,
      @Mixin DirectoryOption directoryOption,
      @Option(
              names = "--role",
              defaultValue = "user",
              description = "user (own jobs), viewer (reads all) or admin (all); default: user.")
          Role role,
      @Option(
              names = "--cn",
              paramLabel = "CN",
              description = "The common name of its certificate; default: NAME.")
          Optional<String> commonName,
      @Option(
              names = "--run-as",
              paramLabel = "USER",
              description = "The user that its jobs run as; default: one of its own.")
          Optional<String> runAs,
      @Option(
              names = "--address",
              paramLabel = "HOST:PORT",
              description =
                  "Where this client reaches the server; default: by init's --host, at the port"
                      + " that is listened on.")
          Optional<String> address)
      throws IOException {
    ServerDirectory directory = directoryOption.directory();
    if (!NAME.matcher(name).matches()) {
      throw new ConfigException(
          "'"
              + name
              + "' cannot be a client's name; use up to 63 letters, digits, '.', '_' and '-'");
    }
    String cn = commonName.orElse(name);
    if (cn.isBlank()
        || cn.length() > Client.MAX_CN_LENGTH
        || cn.chars().anyMatch(Character::isISOControl)) {
      throw new ConfigException(
          "a CN has from 1 to " + Client.MAX_CN_LENGTH + " printable characters");
    }
    if (runAs.isPresent()
        && PasswordFile.find(runAs.get()).filter(user -> user.uid() != 0).isEmpty()) {
      throw new ConfigException("'" + runAs.get() + "' must be a user of this host, and not root");
    }
    ServerConfig config = ServerConfig.read(directory.config());
    CertificateAuthority authority = CertificateAuthority.load(directory, Clock.systemUTC());
    Path file = directory.clientConfig(name);
    if (Files.exists(file)) {
      throw new ConfigException(file + " exists already, and a key is never overwritten");
    }
    ClientFile clientFile = new ClientFile(directory, config, authority);
    HostAndPort reached = clientFile.address(name, address);
    try (ClientRegistry clients = open(directory)) {
      if (clients.add(name, cn, role, runAs).isEmpty()) {
        throw new ConfigException(
            "a client named '" + name + "' or with the CN '" + cn + "' exists");
      }
      boolean written = false;
      try {
        ServerDirectory.createParentPrivately(file);
        ServerDirectory.writeNew(file, clientFile.issue(name, cn, reached));
        written = true;
      } finally {
        if (!written) {
          clients.remove(name);
        }
      }
    }
    print("Wrote " + file + " for " + reached + "; hand it to " + name + ", who keeps it secret.");
    return 0;
  }

  @Command(name = "list", description = "Lists all clients.", mixinStandardHelpOptions = true)
  int list(@Mixin DirectoryOption directoryOption) {
    try (ClientRegistry clients = open(directoryOption.directory())) {
      List<Client> all = clients.list();
      int width = all.stream().mapToInt(client -> client.name().length()).max().orElse(0);
      for (Client client : all) {
        print(
            ("%-" + Math.max(width, 4) + "s  %-6s  %-8s  CN=%s  %s")
                .formatted(
                    client.name(),
                    client.role(),
                    client.disabled() ? "disabled" : "enabled",
                    client.cn(),
                    client.quotas())
                .stripTrailing());
      }
    }
    return 0;
  }

  @Command(
      name = "set",
      description = "Gives the client quotas of its own, from its next call on.",
      mixinStandardHelpOptions = true,
      footer = {
        "",
        "0 is no bound, and default what server.toml says:",
        "  job-worker-server client set alice running-jobs=10 max-memory=2G calls=default",
      })
  int set(
      @Parameters(paramLabel = "NAME", description = "The client's name.") String name,
      @Parameters(
              index = "1..*",
              arity = "1..*",
              paramLabel = "QUOTA=VALUE",
              completionCandidates = QuotaNames.class,
              description = "One of ${COMPLETION-CANDIDATES}.")
          List<String> settings,
      @Mixin DirectoryOption directoryOption) {
    try (ClientRegistry clients = open(directoryOption.directory())) {
      Client client = clients.find(name).orElseThrow(() -> noSuchClient(name));
      clients.setQuotas(name, client.quotas().with(settings));
    } catch (IllegalArgumentException e) {
      throw new ConfigException(String.valueOf(e.getMessage()));
    }
    return 0;
  }

  @Command(
      name = "disable",
      description = "Refuses the client's calls from now on.",
      mixinStandardHelpOptions = true)
  int disable(
      @Parameters(paramLabel = "NAME", description = "The client's name.") String name,
      @Mixin DirectoryOption directoryOption) {
    return setDisabled(directoryOption, name, true);
  }

  @Command(
      name = "enable",
      description = "Accepts the client's calls again.",
      mixinStandardHelpOptions = true)
  int enable(
      @Parameters(paramLabel = "NAME", description = "The client's name.") String name,
      @Mixin DirectoryOption directoryOption) {
    return setDisabled(directoryOption, name, false);
  }

  private static int setDisabled(DirectoryOption directoryOption, String name, boolean disabled) {
    try (ClientRegistry clients = open(directoryOption.directory())) {
      if (!clients.setDisabled(name, disabled)) {
        throw noSuchClient(name);
      }
    }
    return 0;
  }

  /** What can be set for a client. */
  static final class QuotaNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Quotas.names().iterator();
    }
  }

  private static ConfigException noSuchClient(String name) {
    return new ConfigException("there is no client named '" + name + "'");
  }

  private static ClientRegistry open(ServerDirectory directory) {
    if (!Files.exists(directory.database())) {
      throw new ConfigException(
          directory.path()
              + " is not a server's directory; make one with: job-worker-server init --dir "
              + directory.path());
    }
    return ClientRegistry.open(directory.database(), Clock.systemUTC());
  }

  private void print(String line) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }
}
