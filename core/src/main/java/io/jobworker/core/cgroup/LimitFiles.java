package io.jobworker.core.cgroup;

import io.jobworker.base.linux.MemoryCalls;
import io.jobworker.core.job.Limit;
import io.jobworker.core.job.Limits;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
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
   * @param readBack what the file must hold afterwards; for io.max, one of its lines
   */
  record Setting(Place place, String file, String text, String readBack) {
    /** The controller that must be there for it, whose name every file of it begins with. */
    String controller() {
      return file.substring(0, file.indexOf('.'));
    }
  }

  private LimitFiles() {}

  /** {@code extraPids} are processes in the job's cgroup that are not the job's own: its init. */
  static List<Setting> of(Limits limits, List<DeviceLimit> io, int extraPids) {
    List<Setting> settings = new ArrayList<>();
    limits
        .amounts()
        .forEach((limit, amount) -> setting(limit, amount, extraPids).ifPresent(settings::add));
    for (DeviceLimit limit : io) {
      String text = ioMax(limit);
      settings.add(plain(Place.SLOT, "io.max", text));
    }
    return settings;
  }

  /** Of these limits those that can be set where there are such controllers, or need none. */
  static Limits enforceable(Limits limits, Set<String> controllers) {
    Map<Limit, Long> amounts = new EnumMap<>(Limit.class);
    amounts.putAll(limits.amounts());
    amounts
        .entrySet()
        .removeIf(limit ->
            setting(limit.getKey(), limit.getValue(), 0)
                .filter(setting -> !controllers.contains(setting.controller()))
                .isPresent());
    return new Limits(
        amounts, controllers.contains(Controller.IO.toString()) ? limits.io() : List.of());
  }

  /** Which file a limit is in; empty: it is the launcher that enforces it. */
  private static Optional<Setting> setting(Limit limit, long amount, int extraPids) {
    Setting setting =
        switch (limit) {
          case CPU_MILLIS -> plain(Place.JOB, "cpu.max", cpuMax(amount));
          case CPU_WEIGHT -> plain(Place.SLOT, "cpu.weight", Long.toString(amount));
          case MEMORY -> inPages("memory.max", amount);
          case MEMORY_HIGH -> inPages("memory.high", amount);
          case SWAP -> inPages("memory.swap.max", amount);
          case PIDS -> plain(Place.JOB, "pids.max", Long.toString(amount + extraPids));
          case DISK -> null;
        };
    return Optional.ofNullable(setting);
  }

  /** The launcher's own bound, so that it is never the job's quota that it waits for. */
  static Setting launcherCpu(int millis) {
    return plain(Place.MONITOR, "cpu.max", cpuMax(millis));
  }

  /** With one process of the job the kernel kills all (cgroup-v2.rst, memory.oom.group). */
  static Setting oomGroup() {
    return plain(Place.JOB, "memory.oom.group", "1");
  }

  private static Setting plain(Place place, String file, String text) {
    return new Setting(place, file, text, text);
  }

  private static Setting inPages(String file, long bytes) {
    return new Setting(
        Place.JOB,
        file,
        Long.toString(bytes),
        Long.toString(wholePages(bytes, MemoryCalls.PAGE_BYTES)));
  }

  /** The kernel counts memory in its pages and rounds down. */
  static long wholePages(long bytes, int pageBytes) {
    return bytes / pageBytes * pageBytes;
  }

  /** A quota is at least a millisecond; of so little CPU a longer period has as much. */
  static String cpuMax(long millis) {
    long quota = millis * (PERIOD_USEC / 1000);
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
