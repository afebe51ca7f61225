package io.jobworker.server.command;

import ch.qos.logback.classic.LoggerContext;
import io.jobworker.base.linux.Signals;
import io.jobworker.core.TakeOver;
import io.jobworker.server.config.ListenAddress;
import io.jobworker.server.config.ServerConfig;
import io.jobworker.server.config.ServerDirectory;
import io.jobworker.server.daemon.Server;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.bridge.SLF4JBridgeHandler;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code serve}: serves until SIGTERM or SIGINT, and then ends with 0. */
@Command(
    name = "serve",
    description =
        "Serves until it is sent SIGTERM. Jobs outlive it. After SIGHUP it writes its audit log to"
            + " a new file, if somebody has moved the old one.",
    mixinStandardHelpOptions = true)
public final class ServeCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);

  @Mixin private DirectoryOption directoryOption = new DirectoryOption();

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description = "Where to listen, instead of what server.toml says. Port 0 takes a free one.")
  private Optional<String> listen = Optional.empty();

  @ArgGroup private TakingOver takingOver = new TakingOver();

  /** What to do about a state directory whose parts may not belong together; at most one. */
  private static final class TakingOver {
    @Option(
        names = "--adopt",
        description =
            "Take up what the directories of the jobs tell, also where their database does not"
                + " know them, is damaged, or is another.")
    private boolean adopt;

    @Option(
        names = "--set-aside",
        description = "Move all that is kept of jobs to set-aside below it, and begin anew.")
    private boolean setAside;

    TakeOver chosen() {
      return adopt ? TakeOver.ADOPT : setAside ? TakeOver.SET_ASIDE : TakeOver.IF_WHOLE;
    }
  }

  @Override
  public Integer call() throws InterruptedException {
    CompletableFuture<Server> started = new CompletableFuture<>();
    // From the first moment on, for without a handler it ends the process.
    Signals.handle(
        "HUP",
        () -> {
          var _ = started.thenAccept(Server::reopenFiles);
        });
    SLF4JBridgeHandler.removeHandlersForRootLogger(); // gRPC logs by java.util.logging
    SLF4JBridgeHandler.install();
    ServerDirectory directory = directoryOption.directory();
    ServerConfig config = ServerConfig.read(directory.config());
    Server server =
        Server.start(
            directory,
            config,
            listen
                .map(text -> ListenAddress.parse("--listen", text))
                .orElseGet(() -> ListenAddress.parse("listen", config.listen())),
            takingOver.chosen());
    Runtime.getRuntime()
        .addShutdownHook(
            Thread.ofPlatform()
                .unstarted(() -> {
                  int code = end(server);
                  flushLog();
                  // The JVM would end with 143, which a supervisor takes for a failure.
                  Runtime.getRuntime().halt(code);
                }));
    started.complete(server);
    new CountDownLatch(1).await(); // the signal ends the process
    return 0;
  }

  private static int end(Server server) {
    try {
      server.close();
      return 0;
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).log("server.not_closed");
      return 1;
    }
  }

  /** The log is written by a thread of its own; what is still queued is lost with the JVM. */
  private static void flushLog() {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.stop();
    }
  }
}
