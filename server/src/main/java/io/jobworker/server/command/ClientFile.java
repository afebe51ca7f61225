package io.jobworker.server.command;

import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.tls.CertificateAuthority;
import java.io.IOException;
import java.nio.file.Files;

/** The one file that a client is given: where the server is, and who it is to it. */
final class ClientFile {
  private ClientFile() {}

  /** Its text, with a new key and certificate. */
  static String issue(
      ServerDirectory directory,
      ServerConfig config,
      CertificateAuthority authority,
      String name,
      String cn) {
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
            name,
            address(directory, config),
            issued.certificatePem(),
            issued.keyPem(),
            authority.certificatePem());
  }

  /** Where the server is reached: where it listens now, or will. */
  private static String address(ServerDirectory directory, ServerConfig config) {
    try {
      return Files.readString(directory.address()).strip();
    } catch (IOException e) {
      return config.listen();
    }
  }
}
