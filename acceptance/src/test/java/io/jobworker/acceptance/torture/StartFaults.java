package io.jobworker.acceptance.torture;

import io.grpc.StatusRuntimeException;
import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.Finding.Kind;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.ListJobsRequest;
import io.jobworker.api.v1.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Kills the server, or a launcher, at chosen system calls between the request to start a job and
 * its answer, has the client repeat its request, and looks at what came of it: the job was executed
 * once, or may have been and is said to be lost, and nothing is left over. strace(1) does the
 * killing.
 */
public final class StartFaults implements AutoCloseable {
  /**
   * What a server that starts a job asks of the kernel, but for what any thread does all the time.
   */
  private static final List<String> SERVER_CALLS =
      List.of(
          "pwrite64",
          "?mkdir,?mkdirat",
          "?symlink,?symlinkat",
          "socketpair",
          "memfd_create",
          "?vfork,clone,?clone3",
          "wait4",
          "recvmsg",
          "openat",
          "write",
          "close",
          "?rename,?renameat,?renameat2");

  /**
   * More than any process of a launch makes of one kind before the job's program has done its work.
   */
  private static final int MOST_CALLS = 200;

  /** What a server says of a job whose launcher does not answer it. */
  private static final String CANNOT_TELL = "could not be taken up by this server yet";

  private static final String KILLED = "killed by SIGKILL";
  private static final String STOPPED = "stopped by SIGSTOP";
  private static final Pattern TRACED = Pattern.compile("^(\\d+) ", Pattern.MULTILINE);

  private final ServerProcess server;
  private final Witness witness;
  private final Set<String> known = new HashSet<>();
  private final List<String> wrong = new ArrayList<>();
  private final List<Path> delayed = new ArrayList<>();
  private int requests;
  private int struck;

  /** The server is killed and started again; it is the caller's to close. */
  public StartFaults(ServerProcess server) throws IOException {
    this.server = server;
    witness = new Witness(server);
  }

  /** Visits every call; returns whether all is well, and says what it found. */
  static boolean runAll() throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas());
        StartFaults faults = new StartFaults(server)) {
      faults.killLaunchers(1);
      System.out.println("launchers killed: " + faults.struck());
      faults.killServers(Integer.MAX_VALUE);
      System.out.println("and servers: " + faults.struck());
      faults.delayLaunchers(3);
      System.out.println("and launchers delayed: " + faults.struck());
      faults.verify();
      System.out.println("wrong: " + faults.wrong().size());
      faults.wrong().forEach(what -> System.out.println("  " + what));
      return faults.wrong().isEmpty();
    }
  }

  /** Whether this host has what this takes. */
  public static boolean isPossible() {
    return Tracer.isPossible();
  }

  /** In how many starts something was killed. */
  public int struck() {
    return struck;
  }

  /** What is not as it should be. */
  public List<String> wrong() {
    return List.copyOf(wrong);
  }

  /** Every {@code step}-th call of each kind of all processes of a launch. */
  private void killLaunchers(int step) throws Exception {
    atLaunchers(Strike.KILL_LAUNCHER, step);
  }

  /** strace(1), "when": calls are counted by their kind, and for each process. */
  private void atLaunchers(Strike strike, int step) throws Exception {
    for (String call : launcherCalls()) {
      int n = 1;
      while (n < MOST_CALLS && strike(strike, call, n)) {
        n += step;
      }
    }
  }

  /** The n-th call of one kind only. */
  public void killLauncher(String call, int n) throws Exception {
    strike(Strike.KILL_LAUNCHER, call, n);
  }

  /** The kinds of calls that there are in a launch. */
  private Set<String> launcherCalls() throws Exception {
    strike(Strike.KILL_LAUNCHER, "all", Tracer.NEVER);
    return Tracer.kinds(witness.shared("r" + requests + ".trace"));
  }

  /**
   * The same with launchers that stop, and go on when another server has answered the repetition,
   * or has said that it waits for them.
   */
  private void delayLaunchers(int step) throws Exception {
    atLaunchers(Strike.DELAY_LAUNCHER, step);
  }

  /** The n-th call of one kind only. */
  public void delayLauncher(String call, int n) throws Exception {
    strike(Strike.DELAY_LAUNCHER, call, n);
  }

  /** Up to so many of each kind of call. */
  public void killServers(int most) throws Exception {
    for (String call : SERVER_CALLS) {
      int n = 1;
      while (n <= most && strike(Strike.KILL_SERVER, call, n)) {
        n++;
      }
    }
  }

  /** The n-th call of one kind only. */
  public void killServer(String call, int n) throws Exception {
    strike(Strike.KILL_SERVER, call, n);
  }

  private enum Strike {
    KILL_LAUNCHER,
    DELAY_LAUNCHER,
    KILL_SERVER
  }

  /** Returns whether there was such a call. */
  private boolean strike(Strike kind, String call, int n) throws Exception {
    String name = "r" + ++requests;
    String where = kind + " at " + call + " " + n + ": ";
    Path trace = witness.shared(name + ".trace");
    JobRequest request = request(name);
    String answered = "";
    boolean hit = false;
    long struckServer = server.pid();
    if (kind == Strike.KILL_SERVER) {
      String injection = "inject=" + call + ":signal=KILL:when=" + n;
      Tracer tracer =
          Tracer.at(server.pid(), List.of("-e", "trace=" + call, "-e", injection), trace);
      try (tracer) {
        answered = start(request, Witness.PATIENCE);
      }
      if (tracer.isDeadWithin(
          answered.isEmpty() ? Duration.ofSeconds(10) : Duration.ofMillis(300))) {
        server.kill();
        server.restart();
      }
    } else {
      Path launcher = wrapLauncher(kind, call, n, trace);
      answered =
          start(request, kind == Strike.DELAY_LAUNCHER ? Duration.ofSeconds(3) : Witness.PATIENCE);
      if (kind == Strike.DELAY_LAUNCHER) {
        delayed.add(trace);
        hit = answered.isEmpty() ? stopsAtAll(trace) : tells(trace, STOPPED);
      }
      Files.move(launcher.resolveSibling("real"), launcher, StandardCopyOption.REPLACE_EXISTING);
      if (hit) {
        server.kill();
        server.restart();
      }
    }
    try {
      String id = again(request);
      letGoOn();
      check(name, id, answered);
    } catch (Finding | StatusRuntimeException e) {
      wrong.add(where + e.getMessage());
    }
    switch (kind) {
      case KILL_SERVER -> hit = server.pid() != struckServer;
      case KILL_LAUNCHER -> hit = tellsInTheEnd(trace, KILLED);
      case DELAY_LAUNCHER -> {} // seen when it was needed
    }
    if (hit) {
      struck++;
    }
    return hit;
  }

  private JobRequest request(String name) {
    String script = "echo executed >> " + witness.shared(name) + "; exit 3";
    return JobRequest.newBuilder()
        .setSpec(
            JobSpec.newBuilder().addAllCommand(List.of("/bin/sh", "-c", script)).setRequestId(name))
        .build();
  }

  /** The first time; empty if there is no answer, or none that says that it has started. */
  private String start(JobRequest request, Duration patience) {
    try {
      return witness.calls().withDeadlineAfter(patience).start(request).getId();
    } catch (StatusRuntimeException e) {
      return "";
    }
  }

  /** The same again, as often as it takes. */
  private String again(JobRequest request) throws Exception {
    return witness.again(() -> witness.calls().start(request).getId(), this::helpOn);
  }

  private void helpOn(String why) throws Exception {
    if (Tracer.isDead(server.pid())) { // of its call, later than that was waited for
      server.kill();
      server.restart();
    }
    if (why.contains("incident")) { // not what a server may say that was killed, or waits
      throw new Finding(Kind.CALL, why);
    }
    if (why.isEmpty() || why.contains(CANNOT_TELL)) {
      letGoOn();
    }
  }

  private void check(String name, String id, String answered) throws Exception {
    known.add(id);
    if (!answered.isEmpty() && !answered.equals(id)) {
      throw new Finding(Kind.DOUBLE_START, "answered with " + answered + ", and then with " + id);
    }
    JobStatusResponse job = witness.await(id, Witness::hasEnded, this::helpOn);
    Path executions = witness.shared(name);
    long times = Files.exists(executions) ? Files.readString(executions).lines().count() : 0;
    boolean exited = job.getReason() == Reason.REASON_EXITED;
    if (times > 1 || (exited && (times != 1 || job.getExitCode() != 3))) {
      throw new Finding(Kind.DOUBLE_START, "executed " + times + " times, and is " + job);
    }
    if (job.getReason() == Reason.REASON_NEVER_STARTED) {
      throw new Finding(Kind.LOST_START, "was repeated, and is " + job);
    }
    String again = again(request(name));
    if (!again.equals(id)) {
      throw new Finding(Kind.DOUBLE_START, "is " + id + ", and then " + again);
    }
  }

  // --- strace

  /** Puts a script in the launcher's place, which has strace run it. */
  private Path wrapLauncher(Strike kind, String call, int n, Path trace) throws IOException {
    Path launcher;
    try (Stream<Path> files = Files.list(server.directory().resolve("state"))) {
      launcher =
          files
              .filter(file -> String.valueOf(file.getFileName()).matches("launcher-[0-9a-f]+"))
              .findFirst()
              .orElseThrow();
    }
    Path real = launcher.resolveSibling("real");
    Files.copy(launcher, real, StandardCopyOption.COPY_ATTRIBUTES);
    Path script = launcher.resolveSibling("script");
    String signal = kind == Strike.KILL_LAUNCHER ? "KILL" : "STOP";
    Files.writeString(
        script,
        """
        #!/bin/sh
        [ "$1" != --remove ] || exec %1$s "$@"
        exec strace -D -f -q -o %2$s -e inject=%5$s:signal=%3$s:when=%4$d %1$s "$@"
        """
            .formatted(real, trace, signal, n, call));
    Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    Files.createFile(trace);
    Files.move(script, launcher, StandardCopyOption.REPLACE_EXISTING);
    return launcher;
  }

  private static boolean tells(Path trace, String what) throws IOException {
    return Files.readString(trace).contains(what);
  }

  /** The same when strace, which runs beside what it traces, has written all it will. */
  private static boolean tellsInTheEnd(Path trace, String what) throws Exception {
    long end = System.nanoTime() + Witness.PATIENCE.toNanos();
    while (isWritten(trace) && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return tells(trace, what);
  }

  private static boolean isWritten(Path trace) {
    return ProcessHandle.allProcesses()
        .flatMap(process -> process.info().arguments().stream())
        .anyMatch(words -> List.of(words).contains(trace.toString()));
  }

  /** A launcher that is late has not been stopped yet when nobody waits for its answer any more. */
  private static boolean stopsAtAll(Path trace) throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!tells(trace, STOPPED) && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return tells(trace, STOPPED);
  }

  /** Whatever is stopped. A process that starts later stops at its own such call, later. */
  private void letGoOn() throws Exception {
    Set<String> stopped = new HashSet<>();
    for (Path trace : List.copyOf(delayed)) {
      Set<String> pids = new HashSet<>();
      TRACED.matcher(Files.readString(trace)).results().forEach(pid -> pids.add(pid.group(1)));
      Set<Character> states = new HashSet<>();
      for (String pid : pids) {
        char state = Tracer.state(Long.parseLong(pid));
        states.add(state);
        if (state == 'T' || state == 't') {
          stopped.add(pid);
        }
      }
      if (states.equals(Set.of('X')) && !isWritten(trace)) {
        delayed.remove(trace); // all of them have gone
      }
    }
    if (!stopped.isEmpty()) {
      List<String> command = new ArrayList<>(List.of("kill", "-CONT"));
      command.addAll(stopped);
      new ProcessBuilder(command)
          .redirectErrorStream(true)
          .redirectOutput(ProcessBuilder.Redirect.DISCARD)
          .start()
          .waitFor();
    }
  }

  // --- afterwards

  /** Adds what is left over to what is wrong. */
  public void verify() throws Exception {
    long end = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    List<String> left = leftovers();
    while (!left.isEmpty() && System.nanoTime() < end) {
      letGoOn();
      TimeUnit.MILLISECONDS.sleep(100);
      left = leftovers();
    }
    wrong.addAll(left);
    witness
        .calls()
        .list(ListJobsRequest.newBuilder().setPageSize(500).build())
        .getJobsList()
        .forEach(job -> {
          if (!known.contains(job.getId())) {
            wrong.add(Kind.DOUBLE_START + ": nobody was told of " + job);
          }
        });
  }

  private List<String> leftovers() throws IOException {
    List<String> left = new ArrayList<>();
    server.jobCgroups().forEach(cgroup -> left.add(Kind.LEFTOVER + ": cgroup " + cgroup));
    try (Stream<Path> directories = Files.list(server.directory().resolve("state/jobs"))) {
      for (Path directory : directories.toList()) {
        if (!known.contains(String.valueOf(directory.getFileName()))) {
          left.add(Kind.LEFTOVER + ": directory " + directory);
        }
        // Of a job that is lost the mark alone says that its program may have been executed.
        boolean lost = Files.notExists(directory.resolve("exit"));
        for (String file : List.of("control", "life", "slot", lost ? "slot" : "started")) {
          if (Files.exists(directory.resolve(file), LinkOption.NOFOLLOW_LINKS)) {
            left.add(Kind.LEFTOVER + ": " + directory.resolve(file));
          }
        }
      }
    }
    ProcessHandle.allProcesses()
        .filter(process -> process.pid() != server.pid())
        .filter(process -> isOfLauncher(process.pid()))
        .forEach(process -> left.add(Kind.LEFTOVER + ": process " + process.info()));
    return left;
  }

  private boolean isOfLauncher(long pid) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/" + pid + "/exe"))
          .startsWith(server.directory().resolve("state"));
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public void close() throws IOException {
    witness.close();
  }
}
