package io.jobworker.server.command;

import io.jobworker.base.linux.LocalPorts;
import io.jobworker.core.HostCheck;
import io.jobworker.core.job.Limit;
import io.jobworker.server.clients.JobUsers;
import io.jobworker.server.config.ListenAddress;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.daemon.Server;
import io.jobworker.server.tls.CertificateExpiry;
import io.jobworker.server.tls.TlsFiles;
import java.io.PrintWriter;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code check}: what this host can and cannot enforce. */
@Command(
    name = "check",
    description = "Lists what this host can and cannot enforce, and what follows from it.",
    mixinStandardHelpOptions = true)
public final class CheckCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private DirectoryOption directoryOption = new DirectoryOption();

  @Override
  public Integer call() {
    ServerDirectory directory = directoryOption.directory();
    ServerConfig config = ServerConfig.read(directory.config());
    PrintWriter out = spec.commandLine().getOut();
    out.printf("ok       %-18s %s%n", "configuration", "listens on " + config.listen());
    for (X509Certificate certificate : TlsFiles.of(directory, config.tls()).certificates()) {
      CertificateExpiry expiry = CertificateExpiry.of(certificate, Clock.systemUTC());
      out.printf(
          "%-8s %-18s %s %s, until %s%n",
          expiry.isNear() ? "expires" : "ok",
          "certificate",
          expiry.name(),
          expiry.left().isNegative()
              ? "has expired"
              : "holds for " + expiry.left().toDays() + " days",
          expiry.notAfter());
    }
    if (config.isolation().enabled()) {
      List<String> others = JobUsers.others(config.isolation().uidRange());
      out.printf(
          "%-8s %-18s %s%n",
          others.isEmpty() ? "ok" : "shared",
          "uid range",
          others.isEmpty()
              ? "nobody in /etc/passwd, group, subuid and subgid has a user of isolation.uid-range"
              : "isolation.uid-range has users of " + String.join(", ", others));
    }
    for (HostCheck.Finding finding :
        HostCheck.inspect(Server.jobs(directory, config), config.limits().max())) {
      out.printf(
          "%-8s %-18s %s%n",
          finding.ok() ? "ok" : "missing", finding.what(), finding.consequence());
    }
    int port = ListenAddress.parse("listen", config.listen()).port();
    if (LocalPorts.isGivenAway(port)) {
      out.printf(
          "%-8s %-18s %s%n",
          "open",
          "port",
          "the kernel gives "
              + port
              + " to whoever asks for any, unless net.ipv4.ip_local_reserved_ports has it");
    }
    leftOpen(config).forEach((what, why) -> out.printf("%-8s %-18s %s%n", "open", what, why));
    out.flush();
    return 0;
  }

  /** What nothing keeps jobs from, as this server is configured. */
  private static Map<String, String> leftOpen(ServerConfig config) {
    Map<String, String> open = new TreeMap<>();
    for (Limit limit : List.of(Limit.MEMORY, Limit.PIDS)) {
      if (config.limits().otherwise().of(limit).isEmpty()
          && config.limits().max().of(limit).isEmpty()) {
        open.put(
            limit.name().toLowerCase(Locale.ROOT),
            "a job that does not ask for less may take all there is; see limits.default");
      }
    }
    return open;
  }
}
