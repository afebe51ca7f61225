package io.jobworker.server.command;

import io.jobworker.server.clients.Client;
import io.jobworker.server.clients.ClientRegistry;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import io.jobworker.server.tls.TlsFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code certs ...}: the certificates that this directory's authority issues. */
@Command(
    name = "certs",
    description = "Renews certificates. A running server takes its new one up by itself.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND")
public final class CertsCommand {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Command(
      name = "renew",
      description = "Issues a new key and certificate for the server, or for a client.",
      mixinStandardHelpOptions = true)
  int renew(
      @Mixin DirectoryOption directoryOption,
      @Option(
              names = "--host",
              paramLabel = "NAME",
              description =
                  "A DNS name or address of the server's; may repeat; default: those it has.")
          @org.jspecify.annotations.Nullable
          List<String> hosts,
      @Option(
              names = "--client",
              paramLabel = "NAME",
              description = "Renew this client's, into DIR/clients/NAME.toml, not the server's.")
          Optional<String> client,
      @Option(
              names = "--address",
              paramLabel = "HOST:PORT",
              description =
                  "With --client: where it reaches the server; default: as in the file that it has.")
          Optional<String> address)
      throws IOException {
    ServerDirectory directory = directoryOption.directory();
    ServerConfig config = ServerConfig.read(directory.config());
    CertificateAuthority authority = CertificateAuthority.load(directory, Clock.systemUTC());
    if (client.isPresent()) {
      renewClient(directory, new ClientFile(directory, config, authority), client.get(), address);
      return 0;
    }
    if (address.isPresent()) {
      throw new ConfigException("--address goes with --client");
    }
    TlsFiles files = TlsFiles.of(directory, config.tls());
    List<String> names = hosts == null ? files.hosts() : hosts;
    CertificateAuthority.Issued issued = authority.issueServer(names);
    ServerDirectory.replace(files.key(), issued.keyPem());
    ServerDirectory.replace(files.certificate(), issued.certificatePem());
    print("Renewed " + files.certificate() + " for " + String.join(", ", names) + ".");
    return 0;
  }

  private void renewClient(
      ServerDirectory directory, ClientFile file, String name, Optional<String> address)
      throws IOException {
    Client client;
    try (ClientRegistry clients = ClientRegistry.open(directory.database(), Clock.systemUTC())) {
      client =
          clients
              .find(name)
              .orElseThrow(() -> new ConfigException("there is no client named '" + name + "'"));
    }
    ServerDirectory.createParentPrivately(directory.clientConfig(name));
    ServerDirectory.replace(
        directory.clientConfig(name), file.issue(name, client.cn(), file.address(name, address)));
    print("Wrote " + directory.clientConfig(name) + "; hand it to " + name + " as before.");
  }

  private void print(String line) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }
}
