package io.jobworker.server.transport;

import java.nio.file.Path;

/** The native part of netty, which is unpacked into a file that goes as soon as it is loaded. */
public final class NativeCode {
  /**
   * As netty's {@code NativeLibraryLoader} reads it, once; its copy in gRPC has a name of its own.
   */
  private static final String DIRECTORY = "io.grpc.netty.shaded.io.netty.native.workdir";

  private NativeCode() {}

  /**
   * Says where, before anything of netty is used: the directory for temporary files may not be one
   * to execute from, and without its native part netty works, but slowly.
   */
  public static void unpackIn(Path directory) {
    System.setProperty(DIRECTORY, directory.toString());
  }
}
