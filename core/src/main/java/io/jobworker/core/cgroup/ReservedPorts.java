package io.jobworker.core.cgroup;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.base.linux.ProcessCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Ports that nobody in a cgroup can bind: the launcher's {@code reserve.h}. */
final class ReservedPorts {
  private static final int ANY = 1;

  private ReservedPorts() {}

  /**
   * Reserves these in place of those that were reserved there before, for as long as the cgroup is
   * there.
   *
   * @return why that cannot be done
   */
  static Optional<String> reserve(Path cgroup, Set<Integer> ports, Path launcher) {
    List<String> arguments = new ArrayList<>(List.of("--reserve"));
    ports.stream().sorted().map(String::valueOf).forEach(arguments::add);
    try (Fd directory = FileCalls.open(cgroup, FileCalls.O_RDONLY)) {
      int pid = ProcessCalls.spawn(launcher, "job-worker-reserve", arguments, List.of(directory));
      int status = ProcessCalls.reap(pid);
      return status == 0 // wait(2)
          ? Optional.empty()
          : Optional.of(
              (status & 0x7f) == 0 ? Errno.describe(status >> 8) : "its helper was killed");
    } catch (LinuxException e) {
      return Optional.of(Errno.describe(e.errno()));
    }
  }

  /** Why it could not be done below this cgroup; nothing is left of the attempt. */
  static Optional<String> problem(Path parent, Path launcher) {
    try {
      Path probe = Files.createTempDirectory(parent, "probe-");
      try {
        return reserve(probe, Set.of(ANY), launcher);
      } finally {
        Files.delete(probe);
      }
    } catch (IOException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    }
  }
}
