package io.jobworker.acceptance.torture;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.ByteString;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.Gate;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.Finding.Kind;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.JobWorkerGrpc;
import io.jobworker.api.v1.JobWorkerGrpc.JobWorkerBlockingStub;
import io.jobworker.api.v1.LogOptions;
import io.jobworker.api.v1.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Has system calls of the server at a job's files, at its cgroup and at the database fail, or be
 * its last, while a job ends, is stopped, read and removed, and while a new server takes up what
 * there is; then looks whether what is told is true, and whether anything is left.
 */
public final class LifeFaults implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final int CODE = 7;
  private static final String OUTPUT = "line\n".repeat(1000);

  /** No path has as many of a kind. */
  private static final int MOST = 400;

  /** What happens to a job meanwhile. */
  enum Step {
    END,
    STOP,
    READ,
    REMOVE,
    RECOVER
  }

  /** What becomes of a call: it fails, or nothing comes after it. */
  private record Fault(String injection) {
    private static final Fault KILL = new Fault("signal=KILL");

    private static Fault error(String name) {
      return new Fault("error=" + name);
    }
  }

  /** Kinds of calls, with what else than EIO they may fail with. */
  private record Calls(String names, List<Fault> faults) {
    private static Calls of(String names, String... errors) {
      List<Fault> faults = new ArrayList<>(List.of(Fault.KILL, Fault.error("EIO")));
      for (String error : errors) {
        faults.add(Fault.error(error));
      }
      return new Calls(names, List.copyOf(faults));
    }
  }

  private static final List<Calls> CALLS =
      List.of(
          Calls.of("?open,openat", "EMFILE", "ENOMEM"),
          Calls.of("read,pread64"),
          Calls.of("write,pwrite64", "ENOSPC"),
          Calls.of("?stat,?lstat,newfstatat,statx,?access,?faccessat,?faccessat2"),
          Calls.of("?unlink,unlinkat,?rmdir"),
          Calls.of("?rename,?renameat,?renameat2", "ENOSPC"),
          Calls.of("?symlink,?symlinkat,?mkdir,?mkdirat", "ENOSPC"),
          Calls.of("?readlink,?readlinkat"),
          Calls.of("fsync,fdatasync,ftruncate"),
          Calls.of("fcntl", "EINTR"));

  private final ServerProcess server;
  private final Path shared;
  private final Path arguments;
  private final ManagedChannel channel;
  private final JobWorkerBlockingStub calls;
  private final List<String> wrong = new ArrayList<>();
  private boolean removing; // as the last part of looking whether all is well
  private int strikes;
  private int struck;

  /** Starts a server of its own. */
  public LifeFaults() throws IOException {
    shared = Files.createTempDirectory(Path.of("/var/tmp"), "job-worker-faults-");
    arguments = shared.resolve("arguments");
    server = ServerProcess.start(ServerToml.withoutQuotas(), List.of("sh", script().toString()));
    channel = server.certificates().channel("alice");
    calls = JobWorkerGrpc.newBlockingStub(channel);
  }

  /** Runs a server under strace where there are arguments for it, as the same process. */
  private Path script() throws IOException {
    return Files.writeString(
        shared.resolve("script"),
        """
        if [ -s %1$s ]; then
            eval "set -- strace -D -f -q $(cat %1$s) \\"\\$@\\""
            rm %1$s
        fi
        exec "$@"
        """
            .formatted(arguments));
  }

  /** Visits every call; returns whether all is well, and says what it found. */
  static boolean runAll() throws Exception {
    try (LifeFaults faults = new LifeFaults()) {
      for (Step step : Step.values()) {
        faults.strikeAll(step);
        System.out.println(
            "up to " + step + ": " + faults.struck() + ", wrong: " + faults.wrong().size());
      }
      return faults.wrong().isEmpty();
    }
  }

  /** Whether this host has what this takes. */
  public static boolean isPossible() {
    return Tracer.isPossible();
  }

  /** The first calls, one of so many. */
  public void strikeSample(int oneOf) throws Exception {
    int counted = 0;
    for (Step step : Step.values()) {
      for (Calls kind : CALLS) {
        for (Fault fault : kind.faults()) {
          if (counted++ % oneOf == 0) {
            strike(step, kind.names(), 1, fault);
          }
        }
      }
    }
  }

  /**
   * Locks of the database that the kernel does not let go of: that of a commit, and that for its
   * log's header, which SQLite then waits for as if another had it.
   */
  public void strikeLocks() throws Exception {
    strike(Step.END, "fcntl", 3, Fault.error("EIO"));
    strike(Step.END, "fcntl", 6, Fault.error("EIO"));
  }

  private void strikeAll(Step step) throws Exception {
    for (Calls kind : CALLS) {
      for (Fault fault : kind.faults()) {
        int n = 1;
        while (n <= MOST && strike(step, kind.names(), n, fault)) {
          n++;
        }
      }
    }
  }

  /** How often something was struck. */
  public int struck() {
    return struck;
  }

  /** What is not as it should be. */
  public List<String> wrong() {
    return List.copyOf(wrong);
  }

  /** Returns whether there was such a call. */
  private boolean strike(Step step, String names, int n, Fault fault) throws Exception {
    String where = step + ", " + names + " " + n + " " + fault.injection() + ": ";
    Path trace = shared.resolve(++strikes + ".trace");
    boolean hit = false;
    try (Gate gate = new Gate()) {
      String id = start(gate);
      if (step == Step.READ || step == Step.REMOVE) {
        gate.open();
        requireEnded(id);
        requireCleaned(id);
      }
      List<String> options = options(id, names, n, fault);
      if (step == Step.RECOVER) {
        hit = recover(id, gate, options, trace);
      } else {
        Tracer tracer = Tracer.at(server.pid(), options, trace);
        try (tracer) {
          happen(step, id, gate, tracer);
        }
        boolean dead = tracer.isDeadWithin(tracer.hasKilled() ? PATIENCE : Duration.ofMillis(50));
        hit = dead || tracer.hasInjected();
        if (dead) {
          server.kill();
          server.restart();
        }
      }
      verifyWithAnotherIfNeedBe(step, id, gate);
    } catch (Finding | StatusRuntimeException | AssertionError e) {
      wrong.add(where + e.getMessage());
      System.out.println("wrong: " + where + e.getMessage());
      if (Tracer.isDead(server.pid())) {
        server.kill();
        server.restart();
      }
    }
    if (hit) {
      struck++;
    }
    return hit;
  }

  private String start(Gate gate) throws Exception {
    String script = "printf '%s'; %s; exit %d".formatted(OUTPUT, gate.waiting(), CODE);
    JobSpec spec = JobSpec.newBuilder().addAllCommand(List.of("/bin/sh", "-c", script)).build();
    JobRequest request = JobRequest.newBuilder().setSpec(spec).build();
    String id = again(() -> calls.withDeadlineAfter(PATIENCE).start(request)).getId();
    await("the output of " + id, () -> status(id).getOutputTotalBytes() == OUTPUT.length());
    return id;
  }

  private List<String> options(String id, String names, int n, Fault fault) throws IOException {
    Path state = server.directory().resolve("state");
    Path job = state.resolve("jobs").resolve(id);
    List<Path> paths = new ArrayList<>();
    for (String file : List.of("jobs.db", "jobs.db-wal", "jobs.db-shm", "identity", "trash")) {
      paths.add(state.resolve(file));
    }
    paths.add(job);
    for (String file :
        List.of(
            "exit",
            "exit.tmp",
            "life",
            "control",
            "slot",
            "started",
            "removed",
            "job",
            "output",
            "work",
            "stdin")) {
      paths.add(job.resolve(file));
    }
    if (Files.isDirectory(job.resolve("output"))) {
      try (Stream<Path> files = Files.list(job.resolve("output"))) {
        files.forEach(paths::add);
      }
    }
    for (Path slot : server.jobCgroups()) {
      for (String file : List.of("", "job", "monitor", "job/cgroup.kill", "job/cgroup.events")) {
        paths.add(slot.resolve(file));
      }
    }
    List<String> options = new ArrayList<>(List.of("-e", "trace=" + names));
    for (Path path : paths) {
      options.addAll(List.of("-P", path.toString()));
    }
    options.addAll(List.of("-e", "inject=" + names + ":" + fault.injection() + ":when=" + n));
    return options;
  }

  // --- what happens, as far as it does

  private void happen(Step step, String id, Gate gate, Tracer tracer) throws Exception {
    try {
      switch (step) {
        case END -> gate.open();
        case STOP -> calls.withDeadlineAfter(PATIENCE).stop(job(id));
        case READ -> read(id);
        case REMOVE -> calls.withDeadlineAfter(PATIENCE).remove(job(id));
        case RECOVER -> throw new IllegalStateException();
      }
    } catch (StatusRuntimeException e) { // it failed, which it may, by a name
      if (!tracer.isDeadWithin(Duration.ZERO)) {
        assertThat(e.getStatus().getCode()).isNotIn(Status.Code.INTERNAL, Status.Code.UNKNOWN);
      }
    }
    // What goes on beside the answer, or has no caller.
    long end = System.nanoTime() + Duration.ofSeconds(2).toNanos();
    while (!isOver(step, id) && !tracer.isDeadWithin(Duration.ofMillis(10))) {
      if (System.nanoTime() > end) {
        return; // it may need to be done again
      }
    }
  }

  private boolean isOver(Step step, String id) {
    Path job = server.directory().resolve("state/jobs").resolve(id);
    return switch (step) {
      case END, STOP -> Files.exists(job.resolve("exit")) && Files.notExists(job.resolve("life"));
      case REMOVE -> Files.notExists(job);
      case READ, RECOVER -> true;
    };
  }

  private boolean recover(String id, Gate gate, List<String> options, Path trace) throws Exception {
    server.kill();
    gate.open(); // it ends while there is no server, or while one comes
    StringBuilder words = new StringBuilder("-o " + trace);
    options.forEach(option -> words.append(" '").append(option).append('\''));
    Files.writeString(arguments, words);
    boolean serves = server.restartIfPossible();
    boolean dead = Tracer.isDead(server.pid());
    if (serves && !dead) {
      await("the end of " + id, () -> isDeadOrEnded(id));
    }
    boolean hit = Files.exists(trace) && Files.readString(trace).contains("(INJECTED)");
    if (!serves || Tracer.isDead(server.pid())) {
      hit |= Files.exists(trace) && Files.readString(trace).contains("killed by SIGKILL");
      server.kill();
      server.restart();
    }
    return hit;
  }

  private boolean isDeadOrEnded(String id) {
    if (Tracer.isDead(server.pid())) {
      return true;
    }
    try {
      return calls.withDeadlineAfter(PATIENCE).status(job(id)).getReason()
          != Reason.REASON_UNSPECIFIED;
    } catch (StatusRuntimeException e) { // it may be dying of its call
      channel.resetConnectBackoff();
      return false;
    }
  }

  // --- what must be so in the end

  /** The call that is to be the server's last may come as late as this. */
  private void verifyWithAnotherIfNeedBe(Step step, String id, Gate gate) throws Exception {
    removing = false;
    try {
      verify(step, id, gate);
    } catch (StatusRuntimeException e) {
      if (!Tracer.isDead(server.pid())) {
        throw e;
      }
      server.kill();
      server.restart();
      verify(removing ? Step.REMOVE : step, id, gate); // the removal may have been its last deed
    }
  }

  private void verify(Step step, String id, Gate gate) throws Exception {
    switch (step) {
      case END, RECOVER, READ -> {
        gate.open();
        requireEnded(id);
        requireOutput(id);
        requireCleaned(id);
        removing = true;
        again(() -> calls.withDeadlineAfter(PATIENCE).remove(job(id)));
      }
      case STOP -> {
        again(() -> calls.withDeadlineAfter(PATIENCE).stop(job(id)));
        JobStatusResponse ended = awaitEnd(id);
        if (ended.getReason() != Reason.REASON_STOPPED) {
          throw new Finding(Kind.END, "a job that was stopped is " + ended);
        }
        requireOutput(id);
        requireCleaned(id);
        removing = true;
        again(() -> calls.withDeadlineAfter(PATIENCE).remove(job(id)));
      }
      case REMOVE -> {
        try {
          again(() -> calls.withDeadlineAfter(PATIENCE).remove(job(id)));
        } catch (StatusRuntimeException e) {
          if (e.getStatus().getCode() != Status.Code.NOT_FOUND) {
            throw e;
          }
        }
      }
    }
    await(
        "the removal of " + id,
        () -> Files.notExists(server.directory().resolve("state/jobs").resolve(id)));
  }

  private void requireEnded(String id) throws Exception {
    JobStatusResponse ended = awaitEnd(id);
    if (ended.getReason() != Reason.REASON_EXITED || ended.getExitCode() != CODE) {
      throw new Finding(Kind.END, "a job that exited with " + CODE + " is " + ended);
    }
    if (ended.getOutputTotalBytes() != OUTPUT.length()) {
      throw new Finding(Kind.OUTPUT, "there were " + ended.getOutputTotalBytes() + " bytes");
    }
  }

  private JobStatusResponse awaitEnd(String id) throws Exception {
    await("the end of " + id, () -> status(id).getReason() != Reason.REASON_UNSPECIFIED);
    return status(id);
  }

  private void requireOutput(String id) throws Exception {
    String output = again(() -> read(id));
    if (!output.equals(OUTPUT)) {
      throw new Finding(Kind.OUTPUT, "not what was written, but " + output.length() + " bytes");
    }
  }

  private String read(String id) {
    JobRequest request =
        JobRequest.newBuilder()
            .setId(id)
            .setLogs(LogOptions.newBuilder().setOffset(0).setNoFollow(true))
            .build();
    List<ByteString> parts = new ArrayList<>();
    calls.withDeadlineAfter(PATIENCE).logs(request).forEachRemaining(m -> parts.add(m.getLog()));
    String output = ByteString.copyFrom(parts).toStringUtf8();
    if (!OUTPUT.startsWith(output)) {
      throw new Finding(Kind.OUTPUT, "bytes that were not written");
    }
    return output;
  }

  private void requireCleaned(String id) throws Exception {
    Path job = server.directory().resolve("state/jobs").resolve(id);
    for (String file : List.of("control", "life", "started", "slot", "exit.tmp")) {
      await(
          "the removal of " + job.resolve(file),
          () -> Files.notExists(job.resolve(file), LinkOption.NOFOLLOW_LINKS));
    }
    await("no cgroups", () -> server.jobCgroups().isEmpty());
  }

  private static JobRequest job(String id) {
    return JobRequest.newBuilder().setId(id).build();
  }

  private JobStatusResponse status(String id) {
    try {
      return again(() -> calls.withDeadlineAfter(PATIENCE).status(job(id)));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** As often as it takes. */
  private <T> T again(Supplier<T> call) throws InterruptedException {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (true) {
      try {
        return call.get();
      } catch (StatusRuntimeException e) {
        Status.Code code = e.getStatus().getCode();
        boolean later = code == Status.Code.UNAVAILABLE || code == Status.Code.UNKNOWN;
        if (!later || System.nanoTime() > end || Tracer.isDead(server.pid())) {
          throw e;
        }
        channel.resetConnectBackoff();
        TimeUnit.MILLISECONDS.sleep(20);
      }
    }
  }

  private interface Condition {
    boolean holds() throws IOException;
  }

  private static void await(String what, Condition condition) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() > end) {
        throw new Finding(Kind.END, what + " does not come");
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  @Override
  public void close() throws IOException {
    channel.shutdownNow();
    server.close();
    try (Stream<Path> files = Files.list(shared)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(shared);
  }
}
