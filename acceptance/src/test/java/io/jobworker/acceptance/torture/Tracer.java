package io.jobworker.acceptance.torture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** strace(1) at a process that runs, with which it has system calls fail or be the last. */
final class Tracer implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final Pattern CALL = Pattern.compile("(?m)^\\d+ +([a-z]\\w+)\\(");

  /** The last that can be named of a kind (strace(1), "when"): there are never so many. */
  static final int NEVER = 65535;

  private final long pid;
  private final Path trace;
  private final Process strace;

  private Tracer(long pid, Path trace, Process strace) {
    this.pid = pid;
    this.trace = trace;
    this.strace = strace;
  }

  /** Whether this host has it, and lets it trace. */
  static boolean isPossible() {
    try {
      return new ProcessBuilder("strace", "-o", "/dev/null", "true").start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /**
   * Returns when each thread of the process is traced, or when it has died of that.
   *
   * @param options that say which calls, and what becomes of them
   * @param trace where they are written down
   */
  static Tracer at(long pid, List<String> options, Path trace) throws Exception {
    List<String> command = new ArrayList<>(List.of("strace", "-f", "-p", Long.toString(pid)));
    command.addAll(List.of("-o", trace.toString()));
    command.addAll(options);
    Path said = trace.resolveSibling("strace.out");
    Process strace =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(said.toFile()).start();
    Tracer tracer = new Tracer(pid, trace, strace);
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!tracer.isAtAll() && !isDead(pid)) { // a thread of its own may have made that call
      if (System.nanoTime() > end || !strace.isAlive()) {
        throw new IOException("strace: " + Files.readString(said));
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return tracer;
  }

  private boolean isAtAll() throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
      for (Path thread : threads.toList()) {
        if (Files.readString(thread.resolve("status")).contains("TracerPid:\t0\n")) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return false; // a thread, or all of it, has just gone
    }
  }

  /** The kinds of calls that are written down in a trace. */
  static Set<String> kinds(Path trace) throws IOException {
    Set<String> kinds = new TreeSet<>();
    CALL.matcher(Files.readString(trace)).results().forEach(call -> kinds.add(call.group(1)));
    return kinds;
  }

  /** Whether a call has failed as it was to. */
  boolean hasInjected() throws IOException {
    return Files.exists(trace) && Files.readString(trace).contains("(INJECTED)");
  }

  /** Waits until nothing is left that is traced, and all is written down. */
  void awaitEnd() throws InterruptedException {
    if (!strace.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      throw new IllegalStateException("strace does not end");
    }
  }

  /** Whether a call has been the process's last; it may need a moment to die. */
  boolean hasKilled() throws IOException {
    return Files.exists(trace) && Files.readString(trace).contains("killed by SIGKILL");
  }

  /** Whether the process dies by then. */
  boolean isDeadWithin(Duration patience) throws InterruptedException {
    long end = System.nanoTime() + patience.toNanos();
    while (!isDead(pid) && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(10);
    }
    return isDead(pid);
  }

  /** One that is traced is a zombie for a while. */
  static boolean isDead(long pid) {
    return "ZX".indexOf(state(pid)) >= 0;
  }

  /** As the kernel has it (proc_pid_stat(5)); X of one that has gone. */
  static char state(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc/" + pid + "/stat"));
      return stat.charAt(stat.lastIndexOf(')') + 2);
    } catch (IOException e) { // ENOENT, ESRCH
      return 'X';
    }
  }

  /** What it traces goes on, or can be reaped. */
  @Override
  public void close() {
    try {
      strace.destroyForcibly().waitFor();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
