package io.jobworker.server.command;

import io.jobworker.base.net.HostAndPort;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ListenAddress;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import io.jobworker.server.tls.TlsFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The one file that a client is given: where the server is, and who it is to it. */
final class ClientFile {
  private static final Pattern ADDRESS = Pattern.compile("(?m)^address = \"(.+)\"$");

  private final ServerDirectory directory;
  private final ServerConfig config;
  private final CertificateAuthority authority;

  ClientFile(ServerDirectory directory, ServerConfig config, CertificateAuthority authority) {
    this.directory = directory;
    this.config = config;
    this.authority = authority;
  }

  /** Its text, with a new key and certificate. */
  String issue(String name, String cn, HostAndPort address) {
    CertificateAuthority.Issued issued = authority.issueClient(cn);
    return """
    # All that job-worker needs to reach the server as '%s'. It holds a private key: keep it secret.
    address = "%s"
    cert = '''
    %s'''
    key = '''
    %s'''
    ca = '''
    %s'''
    """
        .formatted(
            name, address, issued.certificatePem(), issued.keyPem(), authority.certificatePem());
  }

  /**
   * Where clients reach the server: as asked, or else as the client's file has it already, or else
   * by the name that {@code init --host} was given, at the port that is listened on.
   *
   * @throws ConfigException if nothing tells, with the option that does
   */
  HostAndPort address(String client, Optional<String> asked) {
    if (asked.isPresent()) {
      HostAndPort address = ListenAddress.parse("--address", asked.get());
      if (address.port() == 0 || address.isWildcard()) {
        throw new ConfigException(
            "--address: no client can reach " + address + "; write where the server is reached");
      }
      return address;
    }
    return written(client).orElseGet(this::found);
  }

  private Optional<HostAndPort> written(String client) {
    try {
      Matcher line = ADDRESS.matcher(Files.readString(directory.clientConfig(client)));
      return line.find() ? Optional.of(HostAndPort.parse(line.group(1))) : Optional.empty();
    } catch (IOException | IllegalArgumentException e) {
      return Optional.empty(); // it is written anew
    }
  }

  private HostAndPort found() {
    HostAndPort listening = listening();
    if (listening.port() == 0) {
      throw new ConfigException(
          "the server listens on whatever port is free, and does not run; start it first, or name"
              + " the address by --address HOST:PORT");
    }
    List<String> names = TlsFiles.of(directory, config.tls()).hosts();
    Optional<String> given =
        names.stream().filter(name -> !InitCommand.ALWAYS.contains(name)).findFirst();
    if (given.isEmpty() && !listening.isWildcard()) {
      return listening;
    }
    String host =
        given
            .or(() -> names.stream().findFirst())
            .orElseThrow(() ->
                new ConfigException(
                    "nothing tells by which name clients reach the server; say it by --address"
                        + " HOST:PORT"));
    return new HostAndPort(host, listening.port());
  }

  /** Where it listens now, or will. */
  private HostAndPort listening() {
    try {
      return HostAndPort.parse(Files.readString(directory.address()).strip());
    } catch (IOException | IllegalArgumentException e) {
      return ListenAddress.parse("listen", config.listen());
    }
  }
}
