package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.bindVariadic;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Looks at files with somebody else's rights, as a file server does: whatever the kernel would
 * refuse that user it refuses us, links, closed directories and what changes meanwhile included.
 */
public final class FileRights {
  /** raw: setgroups(3) of a libc changes all threads of the process. */
  private static final long SYS_SETGROUPS =
      System.getProperty("os.arch").equals("aarch64") ? 159 : 116;

  private static final int NOBODY_KNOWN = -1;
  private static final int CAPABILITY_VERSION_3 = 0x20080522;
  private static final int PR_GET_DUMPABLE = 3;
  private static final int PR_SET_DUMPABLE = 4;

  private static final MethodHandle SYSCALL =
      bindVariadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);
  private static final MethodHandle SETFSGID = bind("setfsgid", JAVA_INT, JAVA_INT);
  private static final MethodHandle SETFSUID = bind("setfsuid", JAVA_INT, JAVA_INT);

  private static final MethodHandle CAPSET = bind("capset", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle PRCTL = bindVariadic("prctl", 1, JAVA_INT, JAVA_INT, JAVA_LONG);

  /** Another user of files among a process's threads lets none of it be dumped any more. */
  private static final long DUMPABLE = prctl(PR_GET_DUMPABLE, 0);

  private FileRights() {}

  /** What is looked at. Should not need a class that nobody has loaded yet. */
  @FunctionalInterface
  public interface Look<T> {
    T look() throws IOException;
  }

  /**
   * Looks as this user of this one group, on a thread of its own. To be called as root; the look
   * itself has no capability at all: that of ptrace(2) would follow the links of other users'
   * processes in proc(5).
   */
  public static <T> T as(int uid, int gid, Look<T> look) throws IOException {
    FutureTask<T> task =
        new FutureTask<>(() -> {
          try {
            take(uid, gid);
            return look.look();
          } finally {
            restoreDumpable();
          }
        });
    Thread.ofPlatform().name("file-rights").start(task); // which ends, with what it has become
    try {
      return task.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException problem) {
        throw problem;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  private static void restoreDumpable() {
    if (DUMPABLE == 1) {
      prctl(PR_SET_DUMPABLE, 1);
    }
  }

  private static int prctl(int option, long value) {
    try {
      return (int) PRCTL.invokeExact(STATE.get(), option, value);
    } catch (Throwable t) {
      throw new LinkageError("prctl", t);
    }
  }

  private static void take(int uid, int gid) throws LinuxException {
    try {
      if ((long) SYSCALL.invokeExact(STATE.get(), SYS_SETGROUPS, 0L, MemorySegment.NULL) != 0) {
        throw new LinuxException("setgroups", "none", Ffm.errno(STATE.get()));
      }
      // They tell what was before, and not whether they succeeded.
      int _ = (int) SETFSGID.invokeExact(STATE.get(), gid);
      int _ = (int) SETFSUID.invokeExact(STATE.get(), uid);
      if ((int) SETFSGID.invokeExact(STATE.get(), NOBODY_KNOWN) != gid
          || (int) SETFSUID.invokeExact(STATE.get(), NOBODY_KNOWN) != uid) {
        throw new LinuxException("setfsuid", Integer.toString(uid), Errno.EPERM);
      }

      try (Arena arena = Arena.ofConfined()) {
        MemorySegment header = arena.allocate(JAVA_INT, 2); // capget(2); of this thread
        header.set(JAVA_INT, 0, CAPABILITY_VERSION_3);
        MemorySegment none = arena.allocate(JAVA_INT, 6);
        if ((int) CAPSET.invokeExact(STATE.get(), header, none) != 0) {
          throw new LinuxException("capset", "none", Ffm.errno(STATE.get()));
        }
      }
    } catch (LinuxException e) {
      throw e;
    } catch (Throwable t) {
      throw new LinkageError("setfsuid", t);
    }
  }
}
