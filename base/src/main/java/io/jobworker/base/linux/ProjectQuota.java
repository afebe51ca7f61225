package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bindVariadic;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** Whether a file system bounds what the files of a project take. Stateless and thread-safe. */
public final class ProjectQuota {
  private static final long SYS_QUOTACTL_FD = 443; // Linux 5.14; the same on every architecture

  // linux/quota.h and linux/dqblk_xfs.h: QCMD(Q_XGETQSTATV, PRJQUOTA), and its answer.
  private static final long STATE_OF_PROJECTS = (('X' << 8) + 8) << 8 | 2;
  private static final byte VERSION = 1;
  private static final long QS_FLAGS = 2;
  private static final int FS_QUOTA_PDQ_ENFD = 1 << 5;

  /** More than the struct has. */
  private static final long STATV_BYTES = 256;

  private static final MethodHandle QUOTACTL_FD =
      bindVariadic("syscall", 1, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, ADDRESS);

  private ProjectQuota() {}

  /** Of the one that a directory is on, as far as this process is told: quotactl(2). */
  public static boolean isEnforcedOn(Path directory) {
    try (Fd fd = FileCalls.open(directory, FileCalls.O_RDONLY);
        Arena arena = Arena.ofConfined()) {
      MemorySegment answer = arena.allocate(STATV_BYTES, Long.BYTES);
      answer.set(JAVA_BYTE, 0, VERSION);
      long result =
          (long)
              QUOTACTL_FD.invokeExact(
                  STATE.get(), SYS_QUOTACTL_FD, (long) fd.number(), STATE_OF_PROJECTS, 0L, answer);
      return result == 0 && (answer.get(JAVA_SHORT, QS_FLAGS) & FS_QUOTA_PDQ_ENFD) != 0;
    } catch (LinuxException e) {
      return false;
    } catch (Throwable t) {
      throw new LinkageError("quotactl_fd", t);
    }
  }
}
