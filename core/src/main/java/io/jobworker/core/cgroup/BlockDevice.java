package io.jobworker.core.cgroup;

import static java.util.Objects.requireNonNull;

import io.jobworker.base.linux.FileRights;
import io.jobworker.base.linux.MountInfo;
import io.jobworker.base.words.OsString;
import io.jobworker.core.job.RunAs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the block device that io.max can be set for: the whole disk behind a path. The kernel takes
 * no partition there; and a file system that spans devices, or covers another, has a device number
 * of its own that stands for no disk (proc_pid_mountinfo(5)).
 */
final class BlockDevice {
  private static final int MAX_LAYERS = 8;

  private BlockDevice() {}

  /** There is no such device; the message says why. */
  static final class NotFound extends IOException {
    NotFound(String message) {
      super(message);
    }
  }

  /**
   * The device, as MAJOR:MINOR; of a device file, the device that it is.
   *
   * @param rights of who named the path: we may see more, and must not tell of it; empty: ours
   * @throws NotFound if there is none
   * @throws IOException if the path is none that they can look at
   */
  static String behind(Path path, Optional<RunAs> rights) throws IOException {
    Place place =
        rights.isPresent()
            ? FileRights.as(rights.get().uid(), rights.get().gid(), () -> Place.at(path))
            : Place.at(path);
    return place.blockDevice() ? wholeDisk(number(place.device())) : behind(place, 0);
  }

  /**
   * @param path without links
   * @param on the device that it is on
   * @param device the device that it is
   */
  private record Place(Path path, long on, int mode, long device) {
    private static final int TYPE = 0170000; // inode(7)
    private static final int BLOCK = 0060000;

    static Place at(Path path) throws IOException {
      Path real = path.toRealPath();
      Map<String, ?> file = Files.readAttributes(real, "unix:dev,mode,rdev");
      return new Place(
          real,
          (Long) requireNonNull(file.get("dev")),
          (Integer) requireNonNull(file.get("mode")),
          (Long) requireNonNull(file.get("rdev")));
    }

    boolean blockDevice() {
      return (mode & TYPE) == BLOCK;
    }
  }

  private static String behind(Place place, int depth) throws IOException {
    String number = number(place.on());
    if (major(place.on()) != 0) {
      return wholeDisk(number);
    }
    MountInfo mount =
        mountOf(place.path(), number).orElseThrow(() -> new NotFound("its mount is not visible"));
    if (depth < MAX_LAYERS && mount.type().equals("overlay")) {
      Optional<Path> upper =
          option(mount.options(), "upperdir").map(OsString::path).filter(Files::exists);
      if (upper.isPresent()) {
        return behind(Place.at(upper.get()), depth + 1);
      }
    }
    Path device = OsString.path(mount.source());
    if (device.startsWith("/dev") && Files.exists(device)) {
      return wholeDisk(number(Place.at(device).device()));
    }
    throw new NotFound("it is on " + mount.type());
  }

  /** In sysfs a partition is a directory inside its disk's. */
  private static String wholeDisk(String number) throws IOException {
    Path entry = Path.of("/sys/dev/block", number);
    if (!Files.exists(entry.resolve("partition"))) {
      return number;
    }
    Path disk = entry.toRealPath().resolveSibling("dev");
    return Files.readString(disk).strip();
  }

  private static Optional<MountInfo> mountOf(Path path, String number) throws IOException {
    return MountInfo.all().stream()
        .filter(mount -> mount.device().equals(number) && path.startsWith(mount.point()))
        .reduce((best, next) ->
            next.point().getNameCount() >= best.point().getNameCount() ? next : best);
  }

  private static Optional<String> option(String options, String name) {
    for (String option : options.split(",")) {
      if (option.startsWith(name + "=")) {
        return Optional.of(option.substring(name.length() + 1));
      }
    }
    return Optional.empty();
  }

  private static String number(long device) {
    return major(device) + ":" + minor(device);
  }

  /** The kernel's encoding in stat(2), as makedev(3) has it. */
  private static long major(long device) {
    return (device >>> 8 & 0xfff) | (device >>> 32 & ~0xfffL);
  }

  private static long minor(long device) {
    return (device & 0xff) | (device >>> 12 & ~0xffL);
  }
}
