package io.jobworker.core.process;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.job.JobId;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The processes of a job whose launcher was killed, where neither a cgroup nor a PID namespace
 * holds them together. They are known by the environment that they were executed with, which has
 * the job's id; one that was executed without it is not found.
 */
public final class Strays {
  private static final Duration PAUSE = Duration.ofMillis(20);

  /** Of processes that are gone, are about to be, or are another user's, as no job's here are. */
  private static final Set<Integer> NOT_OURS =
      Set.of(Errno.ENOENT, Errno.ESRCH, Errno.EACCES, Errno.EPERM);

  private Strays() {}

  /**
   * Kills them, and those that they make meanwhile.
   *
   * @throws IOException if it cannot be told whether there are any, or they do not end in time
   */
  public static void end(JobId job, Duration patience) throws IOException, InterruptedException {
    long start = System.nanoTime();
    for (List<ProcessHandle> found = find(job); !found.isEmpty(); found = find(job)) {
      found.forEach(ProcessHandle::destroyForcibly); // of a reused PID it would be another handle
      if (System.nanoTime() - start > patience.toNanos()) {
        throw new IOException("processes that its launcher has left do not end");
      }
      Thread.sleep(PAUSE);
    }
  }

  private static List<ProcessHandle> find(JobId job) throws IOException {
    String variable = "\0" + LaunchPlan.JOB_ID + "=" + job + "\0";
    long self = ProcessHandle.current().pid();
    List<ProcessHandle> all =
        ProcessHandle.allProcesses().filter(process -> process.pid() != self).toList();
    List<ProcessHandle> found = new ArrayList<>();
    for (ProcessHandle process : all) {
      if (environment(process).contains(variable)) {
        found.add(process);
      }
    }
    return found;
  }

  /** With a 0 byte before and after each variable (proc_pid_environ(5)). */
  private static String environment(ProcessHandle process) throws LinuxException {
    Path file = Path.of("/proc/" + process.pid() + "/environ");
    try (Fd environment = FileCalls.open(file, FileCalls.O_RDONLY)) {
      return "\0" + FileCalls.readText(environment);
    } catch (LinuxException e) {
      if (NOT_OURS.contains(e.errno())) {
        return "";
      }
      throw e;
    }
  }
}
