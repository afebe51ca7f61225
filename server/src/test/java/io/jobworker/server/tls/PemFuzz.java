package io.jobworker.server.tls;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.jobworker.server.config.ConfigException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiFunction;

/** Whatever is in a file of keys, certificates or revocations is read, or refused as none. */
public final class PemFuzz {
  private static final Path FILE = Path.of("some.pem");

  private static final List<BiFunction<Path, String, Object>> READERS =
      List.of(Pem::certificates, Pem::key, Pem::revoked);

  private PemFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    String text = new String(input, ISO_8859_1);
    for (BiFunction<Path, String, Object> reader : READERS) {
      try {
        var _ = reader.apply(FILE, text);
      } catch (ConfigException e) {
        // which names the file
      }
    }
  }
}
