package io.jobworker.server.command;

import io.jobworker.server.clients.ClientRegistry;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code init}: makes the server's directory. */
@Command(
    name = "init",
    description = "Makes DIR with server.toml, a CA, a server certificate and the database.",
    mixinStandardHelpOptions = true)
public final class InitCommand implements Callable<Integer> {
  /** Whatever else it is called. */
  static final List<String> ALWAYS = List.of("localhost", "127.0.0.1");

  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private DirectoryOption directoryOption = new DirectoryOption();

  @Option(
      names = "--host",
      paramLabel = "NAME",
      description =
          "A DNS name or address that clients reach the server by; may repeat."
              + " localhost and 127.0.0.1 are always included.")
  private List<String> hosts = new ArrayList<>();

  @Override
  public Integer call() throws IOException {
    ServerDirectory directory = directoryOption.directory();
    for (Path key : List.of(directory.caKey(), directory.serverKey(), directory.config())) {
      if (Files.exists(key)) {
        throw new ConfigException(
            key
                + " exists already, and init overwrites nothing; remove "
                + directory.path()
                + " yourself to start anew");
      }
    }
    ServerDirectory.createPrivately(directory.path());

    CertificateAuthority authority =
        CertificateAuthority.create("job-worker CA", Clock.systemUTC());
    Set<String> names = new LinkedHashSet<>(hosts);
    names.addAll(ALWAYS);
    CertificateAuthority.Issued server = authority.issueServer(List.copyOf(names));
    ServerDirectory.writeNew(directory.caKey(), authority.keyPem());
    ServerDirectory.writeNew(directory.caCertificate(), authority.certificatePem());
    ServerDirectory.writeNew(directory.serverKey(), server.keyPem());
    ServerDirectory.writeNew(directory.serverCertificate(), server.certificatePem());
    ClientRegistry.open(directory.database(), Clock.systemUTC()).close();
    ServerDirectory.writeNew(directory.config(), template());

    PrintWriter out = spec.commandLine().getOut();
    out.println("Made " + directory.path() + " for " + String.join(", ", names) + ".");
    out.println("Next: job-worker-server client add NAME --dir " + directory.path());
    out.flush();
    return 0;
  }

  private static String template() throws IOException {
    try (InputStream in = InitCommand.class.getResourceAsStream("/server.toml")) {
      if (in == null) {
        throw new IOException("server.toml is missing from this build");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
