package io.jobworker.core.cgroup;

import io.jobworker.core.job.ByteSize;
import io.jobworker.core.job.Limits;
import io.jobworker.core.linux.Linux;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * Limits as the kernel wants to have them: which file gets which text. All facts are from the
 * kernel's Documentation/admin-guide/cgroup-v2.rst.
 */
final class LimitFiles {
  private static final int PERIOD_USEC = 100_000;
  private static final int LONG_PERIOD_USEC = 1_000_000;
  private static final int MIN_QUOTA_USEC = 1_000;

  /** Which cgroup of a job's slot a setting belongs to. */
  enum Place {
    /** What the job and its launcher have together: its output is the job's too. */
    SLOT,
    JOB,
    MONITOR
  }

  /**
   * One file to write.
   *
   * @param controller that must be there for it
   * @param readBack what the file must hold afterwards; for io.max, one of its lines
   */
  record Setting(Place place, String controller, String file, String text, String readBack) {}

  private LimitFiles() {}

  /** {@code extraPids} are processes in the job's cgroup that are not the job's own: its init. */
  static List<Setting> of(Limits limits, List<DeviceLimit> io, int extraPids) {
    List<Setting> settings = new ArrayList<>();
    limits
        .cpuMillis()
        .ifPresent(millis -> settings.add(plain(Place.JOB, "cpu", "cpu.max", cpuMax(millis))));
    limits
        .cpuWeight()
        .ifPresent(weight ->
            settings.add(plain(Place.SLOT, "cpu", "cpu.weight", Integer.toString(weight))));
    addMemory(settings, "memory.max", limits.memory());
    addMemory(settings, "memory.high", limits.memoryHigh());
    addMemory(settings, "memory.swap.max", limits.swap());
    limits
        .pids()
        .ifPresent(pids ->
            settings.add(plain(Place.JOB, "pids", "pids.max", Integer.toString(pids + extraPids))));
    for (DeviceLimit limit : io) {
      String text = ioMax(limit);
      settings.add(new Setting(Place.SLOT, "io", "io.max", text, text));
    }
    return settings;
  }

  /** The launcher's own bound, so that it is never the job's quota that it waits for. */
  static Setting launcherCpu(int millis) {
    return plain(Place.MONITOR, "cpu", "cpu.max", cpuMax(millis));
  }

  /** With one process of the job the kernel kills all (cgroup-v2.rst, memory.oom.group). */
  static Setting oomGroup() {
    return plain(Place.JOB, "memory", "memory.oom.group", "1");
  }

  private static Setting plain(Place place, String controller, String file, String text) {
    return new Setting(place, controller, file, text, text);
  }

  private static void addMemory(List<Setting> settings, String file, Optional<ByteSize> size) {
    size.ifPresent(value ->
        settings.add(
            new Setting(
                Place.JOB,
                "memory",
                file,
                Long.toString(value.bytes()),
                Long.toString(wholePages(value.bytes(), Linux.PAGE_BYTES)))));
  }

  /** The kernel counts memory in its pages and rounds down. */
  static long wholePages(long bytes, int pageBytes) {
    return bytes / pageBytes * pageBytes;
  }

  /** A quota is at least a millisecond; of so little CPU a longer period has as much. */
  static String cpuMax(int millis) {
    int quota = millis * (PERIOD_USEC / 1000);
    return quota >= MIN_QUOTA_USEC
        ? quota + " " + PERIOD_USEC
        : millis * (LONG_PERIOD_USEC / 1000) + " " + LONG_PERIOD_USEC;
  }

  private static String ioMax(DeviceLimit limit) {
    return new StringJoiner(" ")
        .add(limit.device())
        .add("rbps=" + orMax(limit.limit().readBps()))
        .add("wbps=" + orMax(limit.limit().writeBps()))
        .add("riops=" + orMax(limit.limit().readIops()))
        .add("wiops=" + orMax(limit.limit().writeIops()))
        .toString();
  }

  private static String orMax(long value) {
    return value == 0 ? "max" : Long.toString(value);
  }

  /** An I/O limit with the device, as MAJOR:MINOR, that was found for its path. */
  record DeviceLimit(String device, Limits.IoLimit limit) {}
}
