package io.jobworker.core.process;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.job.JobId;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * The processes of a job whose launcher was killed, where neither a cgroup nor a PID namespace
 * holds them together. They are known by the environment that they were executed with, which has
 * the job's id; one that was executed without it, or has written over it since, or lets nobody look
 * (prctl(2), PR_SET_DUMPABLE), is not found.
 */
public final class Strays {
  private static final Duration PAUSE = Duration.ofMillis(20);
  private static final int LOOKS = 2;

  /** Of processes that are gone, are about to be, are another user's, or hide what they have. */
  private static final Set<Integer> NOT_OURS =
      Set.of(Errno.ENOENT, Errno.ESRCH, Errno.EACCES, Errno.EPERM);

  private Strays() {}

  /**
   * Kills them, and those that they make meanwhile: until two looks one after the other find none,
   * for one that is just being executed shows no environment.
   *
   * @throws IOException if it cannot be told whether there are any, or they do not end in time
   */
  public static void end(JobId job, Duration patience) throws IOException, InterruptedException {
    long start = System.nanoTime();
    for (int without = 0; without < LOOKS; Thread.sleep(PAUSE)) {
      List<ProcessHandle> found = find(job);
      without = found.isEmpty() ? without + 1 : 0;
      found.forEach(ProcessHandle::destroyForcibly); // of a reused PID it would be another handle
      if (System.nanoTime() - start > patience.toNanos()) {
        throw new IOException("processes that its launcher has left do not end");
      }
    }
  }

  private static List<ProcessHandle> find(JobId job) throws IOException {
    String variable = "\0" + LaunchPlan.JOB_ID + "=" + job + "\0";
    List<ProcessHandle> found = new ArrayList<>();
    for (long pid : processes()) {
      Optional<ProcessHandle> process = ProcessHandle.of(pid); // before: it may be another's soon
      if (process.isPresent() && environment(pid).contains(variable)) {
        found.add(process.get());
      }
    }
    return found;
  }

  /** Not by {@code ProcessHandle}, which leaves out those that it cannot look at. */
  private static List<Long> processes() throws IOException {
    long self = ProcessHandle.current().pid();
    List<Long> pids = new ArrayList<>();
    try (var entries = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
      for (Path entry : entries) {
        long pid = Long.parseLong(String.valueOf(entry.getFileName()));
        if (pid != self) {
          pids.add(pid);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return pids;
  }

  /** With a 0 byte before and after each variable (proc_pid_environ(5)). */
  private static String environment(long pid) throws LinuxException {
    Path file = Path.of("/proc/" + pid + "/environ");
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
