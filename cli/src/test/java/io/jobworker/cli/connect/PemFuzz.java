package io.jobworker.cli.connect;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/** Whatever is in a file of a certificate and its key is read, or refused with what to do. */
public final class PemFuzz {
  private PemFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    Pem pem = new Pem(new String(input, ISO_8859_1), "some.pem");
    try {
      pem.privateKey(pem.certificates().getFirst());
    } catch (UsageException e) {
      // which names the file
    }
  }
}
