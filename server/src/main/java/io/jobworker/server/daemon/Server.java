package io.jobworker.server.daemon;

import io.jobworker.base.lifecycle.Lifecycle;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.net.HostAndPort;
import io.jobworker.core.JobsConfig;
import io.jobworker.core.TakeOver;
import io.jobworker.server.audit.Audit;
import io.jobworker.server.config.Bounds;
import io.jobworker.server.config.ConfigException;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** The daemon: from {@link #start} it serves until it is closed. */
public final class Server implements AutoCloseable {
  /**
   * Each job is a session of its own, and without the cpu controller as heavy as all of the server;
   * this makes the server as heavy as nine.
   */
  private static final int SESSION_NICE = -10;

  private final Lifecycle lifecycle;
  private final Audit audit;

  private Server(Lifecycle lifecycle, Audit audit) {
    this.lifecycle = lifecycle;
    this.audit = audit;
  }

  /**
   * Starts serving. If that fails, nothing of it is left: no thread, no descriptor and no lock.
   *
   * @param takeOver what to do about what an earlier server has left
   * @throws ConfigException if something in the directory is not as it must be, or an address is
   *     taken
   */
  public static Server start(
      ServerDirectory directory, ServerConfig config, HostAndPort listen, TakeOver takeOver) {
    Bounds.require(config);
    requirePrivate(directory, config);
    ProcessCalls.weighSession(SESSION_NICE);
    Lifecycle lifecycle = new Lifecycle();
    try {
      Audit audit = new Wiring(directory, config, takeOver, lifecycle).start(listen);
      return new Server(lifecycle, audit);
    } catch (RuntimeException | Error e) {
      lifecycle.closeAfter(e);
      throw e;
    }
  }

  /** Goes on in new files where somebody has moved those that it was writing. */
  public void reopenFiles() {
    audit.reopen();
  }

  /** How its jobs are to be. */
  public static JobsConfig jobs(ServerDirectory directory, ServerConfig config) {
    boolean isolate = config.isolation().enabled() && ProcessCalls.isRoot();
    return new Settings(directory, config, TakeOver.IF_WHOLE).jobs(isolate);
  }

  /** What others could read or replace is no secret, and what they could replace is not ours. */
  private static void requirePrivate(ServerDirectory directory, ServerConfig config) {
    ServerDirectory.requireOwnDirectory(directory.path());
    for (Path file : List.of(directory.database(), directory.caKey())) {
      if (Files.exists(file)) { // a CA's key is better kept elsewhere
        ServerDirectory.requirePrivate(file);
      }
    }
    Path state = directory.resolve(config.state().directory());
    if (Files.exists(state)) {
      ServerDirectory.requirePrivateDirectory(state);
    }
  }

  /**
   * Ends all calls, stops the jobs if the configuration says so or else lets go of them, and
   * returns when everything is closed.
   */
  @Override
  public void close() {
    lifecycle.close();
  }
}
