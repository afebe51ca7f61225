package io.jobworker.core.cgroup;

import io.jobworker.base.linux.MountInfo;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What the host offers of cgroup v2.
 *
 * @param mount where it is mounted: {@code /sys/fs/cgroup}, or {@code /sys/fs/cgroup/unified} on
 *     hybrid hosts
 * @param killFile whether the kernel has {@code cgroup.kill} (since Linux 5.14)
 */
public record CgroupHost(Optional<Path> mount, boolean killFile) {

  /**
   * Looks at this host now.
   *
   * @throws UncheckedIOException if that cannot be done now
   */
  public static CgroupHost inspect() {
    Optional<Path> mount = findMount();
    return new CgroupHost(mount, mount.filter(CgroupHost::hasKillFile).isPresent());
  }

  private static Optional<Path> findMount() {
    try {
      return MountInfo.all().stream()
          .filter(mount -> mount.type().equals("cgroup2"))
          .map(MountInfo::point)
          .findFirst();
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The root cgroup itself never has the file; any child shows whether the kernel does. */
  private static boolean hasKillFile(Path mount) {
    try (var children = Files.newDirectoryStream(mount, Files::isDirectory)) {
      for (Path child : children) {
        return Files.exists(child.resolve("cgroup.kill"));
      }
      Path probe = Files.createTempDirectory(mount, "job-worker-probe-");
      boolean found = Files.exists(probe.resolve("cgroup.kill"));
      Files.delete(probe);
      return found;
    } catch (IOException e) {
      return false;
    }
  }
}
