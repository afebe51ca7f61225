package io.jobworker.acceptance.torture;

import io.jobworker.acceptance.support.ServerProcess;
import io.jobworker.acceptance.support.ServerToml;
import io.jobworker.acceptance.torture.Finding.Kind;
import io.jobworker.api.v1.JobRequest;
import io.jobworker.api.v1.JobSpec;
import io.jobworker.api.v1.JobStatusResponse;
import io.jobworker.api.v1.Reason;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Kills a job's launcher at a chosen system call while the job ends, and looks at what is told of
 * it: how it ended, or that this is not known; and nothing of it is left. strace(1) does the
 * killing.
 */
public final class LauncherFaults implements AutoCloseable {
  /** More than a launcher makes of one kind from there on. */
  private static final int MOST_CALLS = 400;

  /** How a job ends. */
  public enum Ending {
    EXIT(Reason.REASON_EXITED),
    STOP(Reason.REASON_STOPPED);

    private final Reason reason;

    Ending(Reason reason) {
      this.reason = reason;
    }
  }

  private final ServerProcess server;
  private final Witness witness;
  private final List<String> wrong = new ArrayList<>();
  private int struck;

  /** The server stays the caller's. */
  public LauncherFaults(ServerProcess server) throws Exception {
    this.server = server;
    witness = new Witness(server);
    String go = witness.shared("go").toString();
    new ProcessBuilder("mkfifo", "-m", "644", go).start().waitFor();
  }

  /** Visits every call; returns whether all is well, and says what it found. */
  static boolean runAll() throws Exception {
    try (ServerProcess server = ServerProcess.start(ServerToml.withoutQuotas());
        LauncherFaults faults = new LauncherFaults(server)) {
      for (Ending ending : Ending.values()) {
        faults.kill(ending, 1);
        System.out.println(
            "launchers killed up to "
                + ending
                + ": "
                + faults.struck()
                + ", wrong: "
                + faults.wrong().size());
      }
      faults.wrong().forEach(what -> System.out.println("  " + what));
      return faults.wrong().isEmpty();
    }
  }

  /** In how many ends a launcher was killed. */
  public int struck() {
    return struck;
  }

  /** What is not as it should be. */
  public List<String> wrong() {
    return List.copyOf(wrong);
  }

  /** At every {@code step}-th call of each kind; strace(1), "when", counts them so. */
  private void kill(Ending ending, int step) throws Exception {
    strike(ending, "all", Tracer.NEVER);
    for (String call : Tracer.kinds(witness.shared("trace"))) {
      int n = 1;
      while (n < MOST_CALLS && strike(ending, call, n)) {
        n += step;
      }
    }
  }

  /** The n-th call of one kind only. */
  public void kill(Ending ending, String call, int n) throws Exception {
    strike(ending, call, n);
  }

  private boolean strike(Ending ending, String call, int n) throws Exception {
    Path trace = witness.shared("trace");
    Files.deleteIfExists(trace);
    boolean hit;
    try (RandomAccessFile go = new RandomAccessFile(witness.shared("go").toFile(), "rw")) {
      String id = started();
      String injection = "inject=" + call + ":signal=KILL:when=" + n;
      JobStatusResponse job;
      try (Tracer tracer = Tracer.at(launcher(id), List.of("-e", injection), trace)) {
        switch (ending) {
          case EXIT -> go.writeBytes("\n");
          case STOP -> {
            var _ = witness.calls().stop(JobRequest.newBuilder().setId(id).build());
          }
        }
        job = witness.await(id, Witness::hasEnded, LauncherFaults::refuse);
        tracer.awaitEnd();
        hit = tracer.hasKilled();
      }
      check(ending + " at " + call + " " + n + ": ", ending, job, hit);
    }
    if (hit) {
      struck++;
    }
    return hit;
  }

  private String started() throws Exception {
    String script = "echo up; read x <" + witness.shared("go") + "; exit 3";
    JobSpec spec = JobSpec.newBuilder().addAllCommand(List.of("/bin/sh", "-c", script)).build();
    String id = witness.calls().start(JobRequest.newBuilder().setSpec(spec).build()).getId();
    var _ = witness.await(id, job -> job.getOutput().equals("up\n"), LauncherFaults::refuse);
    return id;
  }

  /** The server has no reason not to answer: nothing happens to it. */
  private static void refuse(String answer) {
    if (!answer.isEmpty()) {
      throw new Finding(Kind.CALL, answer);
    }
  }

  /** Of a job that runs, by the lock that it holds (proc_locks(5)). */
  private long launcher(String id) throws IOException {
    Path life = server.directory().resolve("state/jobs").resolve(id).resolve("life");
    Pattern lock =
        Pattern.compile(
            "POSIX +ADVISORY +WRITE (\\d+) \\S+:" + Files.getAttribute(life, "unix:ino") + " ");
    Matcher found = lock.matcher(Files.readString(Path.of("/proc/locks")));
    while (found.find()) { // another file system may have a file of that number
      Path program = Path.of("/proc", found.group(1), "exe").toRealPath();
      if (program.startsWith(server.directory().toRealPath())) {
        return Long.parseLong(found.group(1));
      }
    }
    throw new Finding(Kind.CALL, id + " has no launcher");
  }

  private void check(String where, Ending ending, JobStatusResponse job, boolean hit)
      throws Exception {
    boolean told =
        job.getReason() == ending.reason && (ending != Ending.EXIT || job.getExitCode() == 3);
    boolean lost = hit && job.getReason() == Reason.REASON_LOST;
    if ((!told && !lost) || !job.getOutput().equals("up\n")) {
      wrong.add(where + job);
    }
    long end = System.nanoTime() + Witness.PATIENCE.toNanos();
    while (!server.jobCgroups().isEmpty() && System.nanoTime() < end) {
      TimeUnit.MILLISECONDS.sleep(20);
    }
    if (!server.jobCgroups().isEmpty()) {
      wrong.add(where + Kind.LEFTOVER + " " + server.jobCgroups());
    }
  }

  @Override
  public void close() throws IOException {
    witness.close();
  }
}
