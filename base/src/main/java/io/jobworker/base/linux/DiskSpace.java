package io.jobworker.base.linux;

import static io.jobworker.base.linux.Ffm.STATE;
import static io.jobworker.base.linux.Ffm.bind;
import static io.jobworker.base.linux.Ffm.checked;
import static io.jobworker.base.linux.Ffm.rethrow;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.jobworker.base.words.OsString;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/**
 * How large a file system is, and how much of it is left. Java's own {@code FileStore} looks for
 * its mount point, which is nowhere to be found in a chroot.
 *
 * @param totalBytes all of it
 * @param usableBytes what users without privileges may yet take
 */
public record DiskSpace(long totalBytes, long usableBytes) {
  // struct statvfs, 64-bit: f_bsize, f_frsize, f_blocks, f_bfree and f_bavail come first.
  private static final long F_FRSIZE = 8;
  private static final long F_BLOCKS = 16;
  private static final long F_BAVAIL = 32;

  /** More than the struct has. */
  private static final long STATVFS_BYTES = 256;

  private static final MethodHandle STATVFS = bind("statvfs", JAVA_INT, ADDRESS, ADDRESS);

  /** Of the file system that a path is on: statvfs(3). */
  public static DiskSpace of(Path path) throws LinuxException {
    MemorySegment state = STATE.get();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment space = arena.allocate(STATVFS_BYTES, Long.BYTES);
      String name = OsString.of(path);
      int answer = (int) STATVFS.invokeExact(state, Ffm.word(arena, name), space);
      checked(answer, state, "statvfs", name);
      long block = space.get(JAVA_LONG, F_FRSIZE);
      return new DiskSpace(
          space.get(JAVA_LONG, F_BLOCKS) * block, space.get(JAVA_LONG, F_BAVAIL) * block);
    } catch (Throwable t) {
      throw rethrow(t);
    }
  }
}
