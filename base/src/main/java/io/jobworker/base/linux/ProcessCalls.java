package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.bindIfThere;
import static io.jobworker.base.linux.Ffm.errno;
import static io.jobworker.base.linux.Ffm.rethrow;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Children, and what this process is. Stateless and thread-safe. */
public final class ProcessCalls {
  /**
   * Larger than glibc's and musl's posix_spawn_file_actions_t (80 bytes) and posix_spawnattr_t
   * (336).
   */
  private static final long SPAWN_STRUCT_BYTES = 1024;

  private static final int WNOHANG = 1;
  private static final int PRIO_PROCESS = 0; // sys/resource.h
  private static final Duration WAIT = Duration.ofMillis(2);
  private static final int MAX_WAITS = 1000;
  private static final Path AUTOGROUP = Path.of("/proc/self/autogroup");

  private static final MethodHandle WAITPID =
      bind("waitpid", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle GETEUID = bind("geteuid", JAVA_INT);
  private static final MethodHandle GETSID = bind("getsid", JAVA_INT, JAVA_INT);
  private static final MethodHandle SETPRIORITY =
      bind("setpriority", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_INT);
  private static final MethodHandle POSIX_SPAWN =
      bind("posix_spawn", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle ACTIONS_INIT =
      bind("posix_spawn_file_actions_init", JAVA_INT, ADDRESS);
  private static final MethodHandle ACTIONS_ADDDUP2 =
      bind("posix_spawn_file_actions_adddup2", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);

  /** glibc 2.34. */
  private static final Optional<MethodHandle> ACTIONS_ADDCLOSEFROM =
      bindIfThere("posix_spawn_file_actions_addclosefrom_np", JAVA_INT, ADDRESS, JAVA_INT);

  private static final MethodHandle ACTIONS_DESTROY =
      bind("posix_spawn_file_actions_destroy", JAVA_INT, ADDRESS);

  private ProcessCalls() {}

  /**
   * Starts {@code program} with an empty environment and the given descriptors as its 3, 4 and so
   * on. Nothing else is handed down, not for the moment either that it takes the program to close
   * it: not all descriptors of a JVM are close-on-exec, and among those that are not is the socket
   * that it listens at.
   *
   * @return the child's PID, which stays valid until {@link #reap}
   */
  public static int spawn(Path program, String argv0, List<Fd> inherited) throws LinuxException {
    return spawn(program, argv0, List.of(), inherited);
  }

  /** Likewise, with arguments. */
  public static int spawn(Path program, String argv0, List<String> arguments, List<Fd> inherited)
      throws LinuxException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment actions = arena.allocate(SPAWN_STRUCT_BYTES, 16);
      spawnChecked((int) ACTIONS_INIT.invokeExact(STATE.get(), actions), program);
      try {
        for (int i = 0; i < inherited.size(); i++) {
          int from = inherited.get(i).number();
          // POSIX: dup2 clears close-on-exec also when both numbers are equal (glibc since 2.29).
          spawnChecked(
              (int) ACTIONS_ADDDUP2.invokeExact(STATE.get(), actions, from, 3 + i), program);
        }
        if (ACTIONS_ADDCLOSEFROM.isPresent()) {
          MethodHandle addCloseFrom = ACTIONS_ADDCLOSEFROM.get();
          spawnChecked(
              (int) addCloseFrom.invokeExact(STATE.get(), actions, 3 + inherited.size()), program);
        }
        MemorySegment argv = arena.allocate(ADDRESS, arguments.size() + 2L); // ended by NULL
        argv.setAtIndex(ADDRESS, 0, Ffm.word(arena, argv0));
        for (int i = 0; i < arguments.size(); i++) {
          argv.setAtIndex(ADDRESS, i + 1L, Ffm.word(arena, arguments.get(i)));
        }
        MemorySegment environment = arena.allocate(ADDRESS, 1);
        MemorySegment pid = arena.allocate(JAVA_INT);
        MemorySegment path = Ffm.word(arena, OsString.of(program));
        spawnChecked(
            spawnWhenWritten(() ->
                (int)
                    POSIX_SPAWN.invokeExact(
                        STATE.get(), pid, path, actions, MemorySegment.NULL, argv, environment)),
            program);
        return pid.get(JAVA_INT, 0);
      } finally {
        int ignored = (int) ACTIONS_DESTROY.invokeExact(STATE.get(), actions);
      }
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }

  /** What returns an error number. */
  @FunctionalInterface
  private interface Attempt {
    int run() throws Throwable;
  }

  /**
   * A program that has just been written may be open for writing yet: in a child of another thread,
   * between its fork and its execve(2), which fails with ETXTBSY as long.
   */
  private static int spawnWhenWritten(Attempt attempt) throws Throwable {
    int error = attempt.run();
    for (int i = 0; error == Errno.ETXTBSY && i < MAX_WAITS; i++) {
      try {
        Thread.sleep(WAIT);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return error;
      }
      error = attempt.run();
    }
    return error;
  }

  /** posix_spawn(3) and its kin return the error number instead of setting errno. */
  private static void spawnChecked(int error, Path program) throws LinuxException {
    if (error != 0) {
      throw new LinuxException("posix_spawn", program.toString(), error);
    }
  }

  /**
   * Reaps a child if it has ended. Answers whether there is nothing left to reap under this PID.
   */
  public static boolean reapIfEnded(int pid) {
    try {
      return (int) WAITPID.invokeExact(STATE.get(), pid, MemorySegment.NULL, WNOHANG) != 0;
    } catch (Throwable t) {
      throw new LinkageError("waitpid", t);
    }
  }

  /**
   * Waits for a child's end and reaps it. A PID that is no child of ours is left alone.
   *
   * @return its wait status (wait(2)); 0 if it was no child of ours
   */
  @CanIgnoreReturnValue
  public static int reap(int pid) {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(JAVA_INT);
      int answer;
      do {
        answer = (int) WAITPID.invokeExact(state, pid, status, 0);
      } while (answer < 0 && errno(state) == Errno.EINTR);
      return status.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw new LinkageError("waitpid", t);
    }
  }

  /** Whether this process may do what only root may. */
  public static boolean isRoot() {
    try {
      return (int) GETEUID.invokeExact(STATE.get()) == 0;
    } catch (Throwable t) {
      throw new LinkageError("geteuid", t);
    }
  }

  /**
   * Lets the calling thread, which must be a platform thread, give way to others: the larger {@code
   * nice}, the more. Threads have values of their own (setpriority(2), NOTES).
   *
   * @return whether the kernel did so
   */
  public static boolean giveWay(int nice) {
    try {
      return (int) SETPRIORITY.invokeExact(STATE.get(), PRIO_PROCESS, 0, nice) == 0;
    } catch (Throwable t) {
      throw new LinkageError("setpriority", t);
    }
  }

  /**
   * Weighs this process's session more against others, or less, as {@code nice} does of a process:
   * where the kernel groups tasks by session and no cgroup says otherwise, the nice values of
   * processes count only within their session (sched(7), The autogroup feature). Does nothing if
   * another process leads the session, whose weight is not ours to change.
   *
   * @return whether the kernel did so
   */
  public static boolean weighSession(int nice) {
    try {
      if ((int) GETSID.invokeExact(STATE.get(), 0) != ProcessHandle.current().pid()) {
        return false;
      }
      Files.writeString(AUTOGROUP, Integer.toString(nice), StandardOpenOption.WRITE);
      return true;
    } catch (IOException e) {
      return false; // no such feature, or no privilege
    } catch (Throwable t) {
      throw new LinkageError("getsid", t);
    }
  }
}
