package io.jobworker.core;

import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.core.job.JobException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** Keeps a second process off a state directory. The kernel frees it when its holder dies. */
record DirectoryLock(FileChannel channel) implements AutoCloseable {

  static DirectoryLock take(Path directory) throws IOException {
    Path file = directory.resolve("lock");
    FileChannel channel =
        FileChannel.open(
            file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE), PrivateFiles.FILE);
    try {
      if (channel.tryLock() != null) {
        return new DirectoryLock(channel);
      }
    } catch (OverlappingFileLockException e) {
      // held within this very process
    } catch (IOException e) {
      channel.close();
      throw e;
    }
    channel.close();
    throw new JobException.Unavailable(
        directory + " is in use by another job-worker-server; stop that one first");
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new IllegalStateException("cannot release the lock", e);
    }
  }
}
