package io.jobworker.base.linux;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Keeps a second process off a directory, by its file {@code lock}. The kernel frees it when its
 * holder dies. Whoever has taken it closes it.
 */
public final class DirectoryLock implements AutoCloseable {
  /**
   * Those that this process holds. It must not even open the file of one a second time: closing any
   * descriptor of a file lets go of all locks that the process has on it (fcntl_locking(2)).
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path directory;
  private final FileChannel channel;

  private DirectoryLock(Path directory, FileChannel channel) {
    this.directory = directory;
    this.channel = channel;
  }

  /** Takes the lock; empty if somebody else has it, also one in this very process. */
  public static Optional<DirectoryLock> tryTake(Path directory) throws IOException {
    Path real = directory.toRealPath();
    if (!HELD.add(real)) {
      return Optional.empty();
    }
    Optional<DirectoryLock> lock = Optional.empty();
    try {
      lock = tryTakeFrom(real);
      return lock;
    } finally {
      if (lock.isEmpty()) {
        HELD.remove(real);
      }
    }
  }

  private static Optional<DirectoryLock> tryTakeFrom(Path directory) throws IOException {
    FileChannel channel =
        FileChannel.open(
            directory.resolve("lock"),
            Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
            PrivateFiles.FILE);
    boolean taken = false;
    try {
      taken = tryLock(channel);
      return taken ? Optional.of(new DirectoryLock(directory, channel)) : Optional.empty();
    } finally {
      if (!taken) {
        channel.close();
      }
    }
  }

  private static boolean tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (OverlappingFileLockException e) {
      return false; // by this process, which knows the directory by another path
    }
  }

  /** What whoever could not take it is told. */
  public static String refusal(Path directory) {
    return directory + " is in use by another job-worker-server; stop that one first";
  }

  @Override
  public void close() {
    if (!channel.isOpen()) {
      return; // somebody else may have it by now
    }
    try {
      channel.close();
    } catch (IOException e) {
      throw new IllegalStateException("cannot release the lock", e);
    } finally {
      HELD.remove(directory);
    }
  }
}
