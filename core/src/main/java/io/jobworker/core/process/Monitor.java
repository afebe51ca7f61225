package io.jobworker.core.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.jobworker.core.linux.Errno;
import io.jobworker.core.linux.EventLoop;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.linux.LinuxException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's end of the control channel to one launcher ({@code launcher/src/control.h}), whether
 * this server started it or found it alive. The kernel tells of the launcher's death by closing the
 * channel, so neither its PID nor a timer is needed for that.
 *
 * <p>The futures complete on the event loop's thread; what depends on them and may block must hop
 * off it. Thread-safe.
 */
public final class Monitor {
  private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);
  private static final int MAX_MESSAGE_BYTES = 256;
  private static final String CONTROL_SOCKET = "control";
  private static final String LIFE_LOCK = "life";

  /** How the launcher's watch over the job ended. */
  public enum Ended {
    /** The exit record can be read, and the launcher waits for {@link #collected}. */
    RECORDED,
    /** The launcher is gone without having said so. */
    VANISHED
  }

  private final EventLoop loop;
  private final Fd socket;
  private final CompletableFuture<Integer> started = new CompletableFuture<>();
  private final CompletableFuture<String> refused = new CompletableFuture<>();
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private final CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();

  // Confined to the loop.
  private final MemorySegment buffer = Arena.ofAuto().allocate(MAX_MESSAGE_BYTES);
  private EventLoop.@Nullable Registration registration;
  private int pid; // 0 while not known; perhaps a child of ours, which then is to be reaped

  private Monitor(EventLoop loop, Fd socket, int pid) {
    this.pid = pid;
    this.loop = loop;
    this.socket = socket;
    loop.execute(this::register);
  }

  /** Starts a launcher that does what {@code sheet} says. */
  public static Monitor spawn(Path launcher, LaunchSheet sheet, EventLoop loop)
      throws LinuxException {
    List<Fd> pair = Linux.packetSocketPair();
    try (Fd theirs = pair.get(1);
        Fd sheetFile = Linux.memoryFile("launch-sheet", sheet.toBytes())) {
      int stub = Linux.spawn(launcher, "job-worker-launcher", List.of(sheetFile, theirs));
      // The stub ends as soon as it has made the monitor, which is our child too (CLONE_PARENT).
      Linux.reap(stub);
      return new Monitor(loop, pair.get(0), 0);
    } catch (LinuxException | RuntimeException e) {
      pair.get(0).close();
      throw e;
    }
  }

  /**
   * Connects to the launcher of the job in {@code jobDirectory}; empty if none is alive, by the
   * word of the lock that it holds as long as it lives.
   */
  public static Optional<Monitor> attach(Path jobDirectory, EventLoop loop) throws IOException {
    int holder = holder(jobDirectory);
    if (holder == 0) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new Monitor(loop, Linux.connectPacketSocket(jobDirectory, CONTROL_SOCKET), holder));
    } catch (LinuxException e) {
      boolean nobodyListens = e.errno() == Errno.ECONNREFUSED || e.errno() == Errno.ENOENT;
      if (nobodyListens && holder(jobDirectory) == 0) {
        return Optional.empty(); // it has just gone
      }
      throw e;
    }
  }

  /** The PID of the launcher that lives; 0 if none does. */
  private static int holder(Path jobDirectory) throws LinuxException {
    Path lock = jobDirectory.resolve(LIFE_LOCK);
    return Files.isRegularFile(lock) ? Linux.lockHolder(lock) : 0;
  }

  /**
   * Kills the launcher that lives in {@code jobDirectory} but cannot be attached to, and with it
   * what the kernel ends with it: the last resort.
   */
  public static void kill(Path jobDirectory) throws IOException {
    int holder = holder(jobDirectory);
    if (holder != 0) {
      ProcessHandle.of(holder).ifPresent(ProcessHandle::destroyForcibly);
    }
  }

  /** The main process's PID once the program is executing, or a {@link LaunchFailure}. */
  public CompletableFuture<Integer> started() {
    return started;
  }

  /** The name of the first system call that the job is refused, if it ever is. */
  public CompletableFuture<String> refused() {
    return refused;
  }

  public CompletableFuture<Ended> ended() {
    return ended;
  }

  /** Completes when the launcher has gone and, if it was our child, is reaped. */
  public CompletableFuture<@Nullable Void> gone() {
    return gone;
  }

  /**
   * Has the launcher end the job: {@code signal} to the main process's group first and SIGKILL to
   * the tree after {@code grace}; with a grace of zero SIGKILL at once.
   */
  public void stop(int signal, Duration grace) {
    send("1 stop " + signal + " " + grace.toMillis());
  }

  /** Lets a launcher go whose job has ended and whose pipes are drained. */
  public void collected() {
    send("1 collected");
  }

  /**
   * Kills a job that nobody will hear of, and lets its launcher go; completes when that has gone.
   */
  public CompletableFuture<@Nullable Void> dismiss() {
    send("1 stop 9 0");
    return ended.thenCompose(how -> {
      collected();
      return gone;
    });
  }

  /** Leaves the launcher alone, for another server to attach to. */
  public void detach() {
    loop.execute(this::unregister);
  }

  private void send(String message) {
    loop.execute(() -> {
      if (!socket.isOpen()) {
        return; // it has gone, and those who wait know
      }
      try {
        Linux.send(socket, message);
      } catch (LinuxException e) {
        LOG.atDebug().addKeyValue("message", message).setCause(e).log("launcher.send_failed");
      }
    });
  }

  private void register() {
    try {
      registration = loop.register(socket, this::receive);
    } catch (LinuxException e) {
      LOG.atError().setCause(e).log("launcher.register_failed");
      vanished();
    }
  }

  private void unregister() {
    if (registration != null) {
      registration.cancel();
    }
    socket.close();
  }

  private void receive() {
    for (; ; ) {
      int length;
      try {
        length = Linux.receive(socket, buffer);
      } catch (LinuxException e) {
        length = 0; // ECONNRESET: gone with messages of ours unread
      }
      if (length == Linux.WOULD_BLOCK) {
        return;
      }
      if (length == 0) {
        vanished();
        return;
      }
      understand(new String(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE), UTF_8));
    }
  }

  private void understand(String message) {
    String[] words = message.split(" ", -1);
    try {
      switch (words[1]) {
        case "hello" -> pid = Integer.parseInt(words[2]);
        case "started" -> started.complete(Integer.parseInt(words[2]));
        case "failed" ->
            started.completeExceptionally(new LaunchFailure(words[2], Integer.parseInt(words[3])));
        case "refused" -> refused.complete(words[2]);
        case "ended" -> ended.complete(Ended.RECORDED);
        default -> LOG.atWarn().addKeyValue("message", message).log("launcher.message_unknown");
      }
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      LOG.atWarn().addKeyValue("message", message).setCause(e).log("launcher.message_garbled");
    }
  }

  private void vanished() {
    unregister();
    started.completeExceptionally(new LaunchFailure("launcher", Errno.EPIPE));
    ended.complete(Ended.VANISHED);
    int child = pid;
    if (child == 0 || Linux.reapIfEnded(child)) {
      gone.complete(null);
      return;
    }
    // It closed the channel in exiting, so this takes microseconds; but the loop waits for nobody.
    Thread.ofPlatform()
        .name("reap-" + child)
        .daemon()
        .start(() -> {
          Linux.reap(child);
          gone.complete(null);
        });
  }
}
