package io.jobworker.server.transport;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The native part of netty, which is unpacked into files that go as soon as they are loaded. */
public final class NativeCode {
  private static final Logger LOG = LoggerFactory.getLogger(NativeCode.class);

  /**
   * As netty's {@code NativeLibraryLoader} reads it, once; its copy in gRPC has a name of its own.
   */
  private static final String DIRECTORY = "io.grpc.netty.shaded.io.netty.native.workdir";

  private static final String UNPACKED = "lib*.so";

  private NativeCode() {}

  /**
   * Says where, before anything of netty is used: the directory for temporary files may not be one
   * to execute from, and without its native part netty works, but slowly. No other server uses the
   * directory; what one has left that was killed meanwhile goes. An administrator's own choice, by
   * that property, stays.
   */
  public static void unpackIn(Path directory) {
    if (System.getProperty(DIRECTORY) == null) {
      System.setProperty(DIRECTORY, directory.toString());
    }
    try (var left = Files.newDirectoryStream(directory, UNPACKED)) {
      for (Path file : left) {
        Files.delete(file);
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.atWarn().addKeyValue("directory", directory).setCause(e).log("server.native_code_left");
    }
  }
}
