package io.jobworker.core.process;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.MemoryCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.linux.SocketCalls;
import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The server's end of the control channel to one launcher ({@code launcher/src/control.h}), whether
 * this server started it or found it alive. The kernel tells of the launcher's death by closing the
 * channel, so neither its PID nor a timer is needed for that.
 *
 * <p>The futures complete on the event loop's thread; what depends on them and may block must hop
 * off it. No method waits for the launcher. Thread-safe.
 */
public final class LauncherChannel {
  private static final Logger LOG = LoggerFactory.getLogger(LauncherChannel.class);
  private static final int MAX_MESSAGE_BYTES = 512; // CONTROL_MAX_BYTES of the launcher

  /** A launcher answers at once; one that is stopped does not. */
  private static final Duration INPUT_PATIENCE = Duration.ofSeconds(10);

  /** How the launcher's watch over the job ended. */
  public enum Ended {
    /** The exit record can be read. */
    RECORDED,
    /** The launcher is gone without having said so. */
    VANISHED
  }

  /**
   * Launchers that are this process's children and are left alone: they are reaped when they end.
   */
  private static final Set<Integer> DETACHED = ConcurrentHashMap.newKeySet();

  private final EventLoop loop;
  private final Fd socket;
  private final CompletableFuture<Integer> started = new CompletableFuture<>();
  private final CompletableFuture<Fd> output = new CompletableFuture<>();
  private final CompletableFuture<String> refused = new CompletableFuture<>();
  private final CompletableFuture<Ended> ended = new CompletableFuture<>();
  private final CompletableFuture<@Nullable Void> gone = new CompletableFuture<>();

  // Confined to the loop.
  private final MemorySegment buffer = Arena.ofAuto().allocate(MAX_MESSAGE_BYTES);
  private EventLoop.@Nullable Registration registration;
  private @Nullable Fd page;
  private @Nullable Fd wake;
  private EventLoop.@Nullable Registration wakeRegistration;
  private final Queue<CompletableFuture<Fd>> inputs = new ArrayDeque<>(); // asked for, in order
  private int pid; // 0 while not known; perhaps a child of ours, which then is to be reaped

  private volatile Runnable onWake = () -> {};

  private LauncherChannel(EventLoop loop, Fd socket, int pid) {
    this.pid = pid;
    this.loop = loop;
    this.socket = socket;
    loop.execute(this::register);
  }

  /** Starts a launcher that does what {@code plan} says. */
  public static LauncherChannel spawn(Path launcher, LaunchPlan plan, EventLoop loop)
      throws LinuxException {
    List<Fd> pair = SocketCalls.packetSocketPair();
    try (Fd theirs = pair.get(1);
        Fd sheetFile = MemoryCalls.memoryFile("launch-sheet", plan.toSheet().toBytes())) {
      int stub = ProcessCalls.spawn(launcher, "job-worker-launcher", List.of(sheetFile, theirs));
      // The stub ends as soon as it has made the monitor, which is our child too (CLONE_PARENT).
      ProcessCalls.reap(stub);
      return new LauncherChannel(loop, pair.get(0), 0);
    } catch (LinuxException | RuntimeException e) {
      pair.get(0).close();
      throw e;
    }
  }

  /**
   * Connects to the launcher of the job in {@code jobDirectory}; empty if none is alive, by the
   * word of the lock that it holds as long as it lives.
   */
  public static Optional<LauncherChannel> attach(Path jobDirectory, EventLoop loop)
      throws IOException {
    int holder = holder(jobDirectory);
    if (holder == 0) {
      return Optional.empty();
    }
    try {
      return Optional.of(
          new LauncherChannel(
              loop,
              SocketCalls.connectPacketSocket(jobDirectory, JobDirectory.CONTROL_SOCKET),
              holder));
    } catch (LinuxException e) {
      boolean nobodyListens = e.errno() == Errno.ECONNREFUSED || e.errno() == Errno.ENOENT;
      if (nobodyListens && holder(jobDirectory) == 0) {
        return Optional.empty(); // it has just gone
      }
      throw e;
    }
  }

  /** Whether the job in {@code jobDirectory} has a launcher that lives, by its lock. */
  public static boolean isAlive(Path jobDirectory) throws IOException {
    return holder(jobDirectory) != 0;
  }

  /** The PID of the launcher that lives; 0 if none does. */
  private static int holder(Path jobDirectory) throws LinuxException {
    try {
      return FileCalls.lockHolder(jobDirectory.resolve(JobDirectory.LIFE_LOCK));
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.EISDIR) {
        return 0; // there is certainly no lock
      }
      throw e;
    }
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

  /** Whether the launcher has said that it did not execute the program; it will not, then. */
  public boolean hasFailed() {
    return started.isCompletedExceptionally()
        && started.exceptionNow() instanceof LaunchFailure failure
        && failure.isLaunchersWord();
  }

  /** The name of the first system call that the job is refused, if it ever is. */
  public CompletableFuture<String> refused() {
    return refused;
  }

  /**
   * The memory by which the job's log is followed; the launcher gives it to each server that
   * connects, and to the first one before {@link #started}. Whoever takes it may close it; {@link
   * #forgetOutput} does if nobody has. Who wants to be woken by it gives {@link #onWake}.
   *
   * @throws OldVersion if the launcher is one that this server cannot take up
   * @throws IOException if it gives none within {@code patience}
   */
  public Fd awaitOutput(Duration patience) throws IOException {
    try {
      return output.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof OldVersion old
          ? old
          : new IOException("the launcher gave no page of its log", e);
    } catch (TimeoutException e) {
      throw new IOException("the launcher does not answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Calls {@code woken} on the event loop each time that the job's log says so; must not block. */
  public void onWake(Runnable woken) {
    onWake = woken;
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
    send("2 stop " + signal + " " + grace.toMillis());
  }

  /** Has the launcher send a signal to the main process's group, and nothing else. */
  public void signal(int signal) {
    send("2 signal " + signal);
  }

  /** Has the launcher look at what this server has written into the page. */
  public void look() {
    send("2 look");
  }

  /**
   * Has the launcher connect its job's feeder to this server, for an {@link InputLoop}. A
   * connection that was given before ends with that. Not to be asked of a job that was started
   * without a stream.
   *
   * @return the connection, which is the caller's to close; completes on the event loop, or fails
   *     with an {@link IOException} if there cannot be one
   */
  public CompletableFuture<Fd> input() {
    CompletableFuture<Fd> answer = new CompletableFuture<>();
    loop.execute(() -> {
      if (!socket.isOpen()) {
        answer.completeExceptionally(noInput(Errno.EPIPE));
        return;
      }
      try {
        SocketCalls.send(socket, "2 input");
        inputs.add(answer);
      } catch (LinuxException e) {
        answer.completeExceptionally(e); // not asked, and so not answered
      }
    });
    return answer.orTimeout(INPUT_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  private static LinuxException noInput(int errno) {
    return new LinuxException("connect", "the job's stdin", errno);
  }

  private void takeInput(List<Fd> fds) {
    CompletableFuture<Fd> asked = inputs.poll();
    while (asked != null && asked.isDone()) { // was not waited for any longer: its answer was lost
      asked = inputs.poll();
    }
    if (asked == null) {
      return;
    }
    if (fds.isEmpty()) {
      asked.completeExceptionally(noInput(Errno.EAGAIN));
    } else if (asked.complete(fds.getFirst())) {
      fds.removeFirst(); // it is theirs now
    }
  }

  /** Kills a job that nobody will hear of; completes when its launcher has gone. */
  public CompletableFuture<@Nullable Void> dismiss() {
    send("2 stop 9 0");
    return gone();
  }

  /** Leaves the launcher alone, for another server to attach to. */
  public void detach() {
    loop.execute(() -> {
      unregister();
      unregisterWake();
      if (pid != 0) {
        DETACHED.add(pid);
      }
    });
  }

  /** Reaps those that have ended after they were left alone by this process. */
  public static void reapDetached() {
    DETACHED.removeIf(ProcessCalls::reapIfEnded);
  }

  /** Nobody wants to hear of the job's output any more. */
  public void forgetOutput() {
    loop.execute(this::unregisterWake);
  }

  private void send(String message) {
    loop.execute(() -> {
      if (!socket.isOpen()) {
        return; // it has gone, and those who wait know
      }
      try {
        SocketCalls.send(socket, message);
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

  private void unregisterWake() {
    if (wakeRegistration != null) {
      wakeRegistration.cancel();
    }
    if (wake != null) {
      wake.close();
    }
    if (page != null) {
      page.close();
    }
  }

  private void receive() {
    for (; ; ) {
      int length;
      List<Fd> fds = new ArrayList<>(2);
      try {
        length = SocketCalls.receive(socket, buffer, fds);
      } catch (LinuxException e) {
        if (e.errno() == Errno.ECONNRESET) {
          continue; // unix(7): gone with messages of ours unread; what it has said comes after that
        }
        length = 0;
      }
      if (length == FileCalls.WOULD_BLOCK) {
        return;
      }
      if (length == 0) {
        vanished();
        return;
      }
      String message = OsString.of(buffer.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE));
      try {
        understand(message, fds);
      } finally {
        fds.stream().filter(fd -> fd != wake && fd != page).forEach(Fd::close);
      }
    }
  }

  private void understand(String message, List<Fd> fds) {
    String[] words = message.split(" ", -1);
    if (words[0].equals("1")) {
      understandOld(words);
      return;
    }
    try {
      switch (words[1]) {
        case "hello" -> pid = Integer.parseInt(words[2]);
        case "output" -> takeOutput(fds);
        case "input" -> takeInput(fds);
        case "started" -> started.complete(Integer.parseInt(words[2]));
        case "failed" ->
            started.completeExceptionally(
                new LaunchFailure(words[2], Integer.parseInt(words[3]), restOf(message, 4)));
        case "refused" -> refused.complete(words[2]);
        case "ended" -> ended.complete(Ended.RECORDED);
        default -> LOG.atWarn().addKeyValue("message", message).log("launcher.message_unknown");
      }
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      LOG.atWarn().addKeyValue("message", message).setCause(e).log("launcher.message_garbled");
    }
  }

  /** What comes behind so many words, blanks and all. */
  private static String restOf(String message, int words) {
    String[] parts = message.split(" ", words + 1);
    return parts.length > words ? parts[words] : "";
  }

  private void takeOutput(List<Fd> fds) {
    try {
      if (fds.size() < 2) { // unix(7): what there is no room for in this process is left out
        throw new LinuxException("recvmsg", "the page of the log", Errno.EMFILE);
      }
      Fd eventFd = fds.get(1);
      wakeRegistration = loop.registerForWrites(eventFd, () -> onWake.run());
      wake = eventFd;
      page = fds.get(0);
      output.complete(page);
    } catch (LinuxException e) {
      output.completeExceptionally(e);
      started.completeExceptionally(new LaunchFailure(LaunchFailure.NO_OUTPUT, e.errno()));
    }
  }

  /**
   * A launcher of version 1, found alive by this server: it waits for a server that moves its job's
   * output, which this one does not do. Its job is ended, and it may go.
   */
  private void understandOld(String[] words) {
    String word = words.length > 1 ? words[1] : "";
    LOG.atWarn().addKeyValue("launcher", pid).addKeyValue("said", word).log("launcher.version_1");
    output.completeExceptionally(new OldVersion());
    send(word.equals("ended") ? "1 collected" : "1 stop 9 0");
  }

  /** The launcher is of a version that this server cannot take up; it ends its job and goes. */
  public static final class OldVersion extends IOException {
    OldVersion() {
      super("the launcher is of version 1");
    }
  }

  private void vanished() {
    unregister();
    output.completeExceptionally(new LinuxException("recvmsg", "control socket", Errno.EPIPE));
    started.completeExceptionally(new LaunchFailure(LaunchFailure.VANISHED, Errno.EPIPE));
    ended.complete(Ended.VANISHED);
    for (CompletableFuture<Fd> asked; (asked = inputs.poll()) != null; ) {
      asked.completeExceptionally(noInput(Errno.EPIPE));
    }
    int child = pid;
    if (child == 0 || ProcessCalls.reapIfEnded(child)) {
      gone.complete(null);
      return;
    }
    // It closed the channel in exiting, so this takes microseconds; but the loop waits for nobody.
    Thread.ofPlatform()
        .name("reap-" + child)
        .daemon()
        .start(() -> {
          ProcessCalls.reap(child);
          gone.complete(null);
        });
  }
}
