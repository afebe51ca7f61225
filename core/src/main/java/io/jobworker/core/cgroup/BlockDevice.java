package io.jobworker.core.cgroup;

import io.jobworker.base.linux.MountInfo;
import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;

/**
 * Finds the block device that io.max can be set for: the whole disk behind a path. The kernel takes
 * no partition there; and a file system that spans devices, or covers another, has a device number
 * of its own that stands for no disk (proc_pid_mountinfo(5)).
 */
final class BlockDevice {
  private static final int MAX_LAYERS = 8;
  private static final int MAX_LINKS = 40; // path_resolution(7)

  private BlockDevice() {}

  /** There is no such device; the message says why. */
  static final class NotFound extends IOException {
    NotFound(String message) {
      super(message);
    }
  }

  /**
   * The device, as MAJOR:MINOR. We see more than who asks, and must not tell of it: what lies in a
   * directory that not everybody may search is not looked at, and stands for what is mounted there.
   */
  static String behind(Path path) throws IOException {
    return behind(asEverybodySees(path), 0);
  }

  private static Path asEverybodySees(Path path) throws IOException {
    Path at = path.getRoot();
    Deque<Path> rest = new ArrayDeque<>();
    path.forEach(rest::addLast);
    for (int links = 0; !rest.isEmpty(); ) {
      if (!isSearchable(at)) {
        return mountIn(at, rest).orElse(at);
      }
      Path next = at.resolve(rest.removeFirst()).normalize(); // no link is left in it but the last
      if (!Files.isSymbolicLink(next)) {
        Files.readAttributes(next, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        at = next;
        continue;
      }
      if (++links > MAX_LINKS) {
        throw new NotFound("there are too many links");
      }
      Path target = Files.readSymbolicLink(next);
      at = target.isAbsolute() ? target.getRoot() : at;
      List<Path> names = new ArrayList<>();
      target.forEach(names::add);
      names.reversed().forEach(rest::addFirst);
    }
    return at;
  }

  private static boolean isSearchable(Path directory) throws IOException {
    return Files.getPosixFilePermissions(directory).contains(PosixFilePermission.OTHERS_EXECUTE);
  }

  /** The innermost mount on the way, of which everybody can know. */
  private static Optional<Path> mountIn(Path directory, Collection<Path> names) throws IOException {
    Path all = names.stream().reduce(directory, Path::resolve).normalize();
    return MountInfo.all().stream()
        .map(MountInfo::point)
        .filter(point -> all.startsWith(point) && point.startsWith(directory))
        .max(Comparator.comparingInt(Path::getNameCount));
  }

  private static String behind(Path path, int depth) throws IOException {
    long on = (Long) Files.getAttribute(path, "unix:dev");
    String number = major(on) + ":" + minor(on);
    if (major(on) != 0) {
      return wholeDisk(number);
    }
    MountInfo mount =
        mountOf(path, number).orElseThrow(() -> new NotFound("its mount is not visible"));
    if (depth < MAX_LAYERS && mount.type().equals("overlay")) {
      Optional<Path> upper =
          option(mount.options(), "upperdir").map(OsString::path).filter(Files::exists);
      if (upper.isPresent()) {
        return behind(upper.get(), depth + 1);
      }
    }
    Path device = OsString.path(mount.source());
    if (device.startsWith("/dev") && Files.exists(device)) {
      long source = (Long) Files.getAttribute(device, "unix:rdev");
      return wholeDisk(major(source) + ":" + minor(source));
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

  /** The kernel's encoding in stat(2), as makedev(3) has it. */
  private static long major(long device) {
    return (device >>> 8 & 0xfff) | (device >>> 32 & ~0xfffL);
  }

  private static long minor(long device) {
    return (device & 0xff) | (device >>> 12 & ~0xffL);
  }
}
