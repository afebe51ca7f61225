package io.jobworker.core.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

/** Whatever is in an exit record's place is read, or refused as one. */
public final class ExitRecordFuzz {
  private ExitRecordFuzz() {}

  public static void fuzzerTestOneInput(byte[] input) {
    try {
      ExitRecord record = ExitRecord.parse(new String(input, ISO_8859_1));
      if (record.exitCode().isPresent() == record.signal().isPresent()) {
        throw new AssertionError("neither an exit code nor a signal, or both");
      }
    } catch (IllegalArgumentException | ArithmeticException e) {
      // as ExitRecord.read expects
    }
  }
}
