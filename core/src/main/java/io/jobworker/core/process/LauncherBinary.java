package io.jobworker.core.process;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/** The launcher that is shipped inside the jar, unpacked to where it can be executed. */
public final class LauncherBinary {
  private LauncherBinary() {}

  /**
   * Unpacks this machine's launcher into {@code directory}, under a name that holds its digest: a
   * newer server never overwrites the file that an older launcher still runs from. One that a
   * host's crash has left incomplete is replaced.
   */
  public static Path unpack(Path directory) throws IOException {
    String resource = "/launcher/" + System.getProperty("os.arch") + "/job-worker-launcher";
    byte[] binary;
    try (InputStream in = LauncherBinary.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException("this build has no launcher for " + System.getProperty("os.arch"));
      }
      binary = in.readAllBytes();
    }
    Path file = directory.resolve("launcher-" + digest(binary));
    if (!isThere(file, binary)) {
      Path fresh = Files.createTempFile(directory, "launcher-", ".new");
      Files.write(fresh, binary, StandardOpenOption.SYNC); // before its name is: a host may crash
      Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rwx------"));
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    }
    return file;
  }

  private static boolean isThere(Path file, byte[] binary) throws IOException {
    return Files.isRegularFile(file) && Arrays.equals(Files.readAllBytes(file), binary);
  }

  private static String digest(byte[] bytes) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(bytes);
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
