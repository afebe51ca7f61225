package io.jobworker.core.cgroup;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.EventLoop;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.LinuxException;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.Usage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One job's slot in the cgroup tree, with its two leaves. Thread-safe. */
public final class JobCgroup {
  private final Path slot;
  private final Path job;
  private final EventLoop loop;

  /** One that is there; version 1 had no leaves. */
  JobCgroup(Path slot, EventLoop loop) {
    this.slot = slot;
    this.job = Files.isDirectory(slot.resolve("job")) ? slot.resolve("job") : slot;
    this.loop = loop;
  }

  /** Makes the leaves of a fresh slot, with the given controllers. */
  static JobCgroup create(Path slot, List<String> controllers, EventLoop loop) throws IOException {
    if (!controllers.isEmpty()) {
      Files.writeString(
          slot.resolve("cgroup.subtree_control"), "+" + String.join(" +", controllers));
    }
    Files.createDirectory(slot.resolve("job"));
    Files.createDirectory(slot.resolve("monitor"));
    return new JobCgroup(slot, loop);
  }

  /** Where the job is born. */
  public Path job() {
    return job;
  }

  /** Where its launcher lives, out of reach of whatever ends the job or the server. */
  public Path monitor() {
    return slot.resolve("monitor");
  }

  private Path at(LimitFiles.Place place) {
    return switch (place) {
      case SLOT -> slot;
      case JOB -> job;
      case MONITOR -> monitor();
    };
  }

  /** Sets one limit, and makes sure that the kernel has taken it as it was meant. */
  void set(LimitFiles.Setting setting) {
    Path file = at(setting.place()).resolve(setting.file());
    try {
      Files.writeString(file, setting.text());
      List<String> now = Files.readAllLines(file);
      if (!now.contains(setting.readBack())) {
        throw new JobException.CannotEnforce(
            setting.file() + " = " + setting.text(), "the kernel made it " + now);
      }
    } catch (IOException e) {
      throw new JobException.CannotEnforce(
          setting.file() + " = " + setting.text(), String.valueOf(e.getMessage()));
    }
  }

  /**
   * What the job has used so far, and of disk I/O also what its output has. Files that are missing
   * count as nothing: there is no such controller, or the cgroup has just been removed.
   *
   * @throws IOException if it cannot be told now
   */
  public Usage usage() throws IOException {
    Map<String, Long> cpu = keyed("cpu.stat");
    Map<String, Long> io = ioTotals();
    return new Usage(
        Duration.of(cpu.getOrDefault("usage_usec", 0L), ChronoUnit.MICROS),
        Duration.of(cpu.getOrDefault("throttled_usec", 0L), ChronoUnit.MICROS),
        number("memory.current"),
        number("memory.peak"),
        keyed("memory.events").getOrDefault("oom_kill", 0L),
        io.getOrDefault("rbytes", 0L),
        io.getOrDefault("wbytes", 0L),
        (int) number("pids.current"));
  }

  private Map<String, Long> keyed(String file) throws IOException {
    Map<String, Long> values = new HashMap<>();
    for (String line : lines(job.resolve(file))) {
      int space = line.indexOf(' ');
      if (space > 0) {
        values.put(line.substring(0, space), Long.parseLong(line.substring(space + 1)));
      }
    }
    return values;
  }

  /** io.stat has a line a device: MAJOR:MINOR rbytes=1 wbytes=2 ... */
  private Map<String, Long> ioTotals() throws IOException {
    Map<String, Long> totals = new HashMap<>();
    for (String line : lines(slot.resolve("io.stat"))) {
      for (String field : line.split(" ")) {
        int equals = field.indexOf('=');
        if (field.startsWith("rbytes=") || field.startsWith("wbytes=")) {
          totals.merge(
              field.substring(0, equals), Long.parseLong(field.substring(equals + 1)), Long::sum);
        }
      }
    }
    return totals;
  }

  private long number(String file) throws IOException {
    List<String> lines = lines(job.resolve(file));
    return lines.isEmpty() ? 0 : Long.parseLong(lines.getFirst());
  }

  private static List<String> lines(Path file) throws IOException {
    try (Fd open = FileCalls.open(file, FileCalls.O_RDONLY)) {
      return FileCalls.readText(open).lines().toList();
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT || e.errno() == Errno.ENODEV) {
        return List.of();
      }
      throw e;
    }
  }

  /**
   * SIGKILL to every process of the job, forks in flight included; nothing happens if it is gone.
   */
  public void kill() throws IOException {
    try {
      Files.writeString(job.resolve("cgroup.kill"), "1");
    } catch (NoSuchFileException e) {
      // Gone, or a kernel before 5.14, where the launcher kills by descent.
    }
  }

  /**
   * The same, and returns when none of them is left: by the kernel's word, and not by asking again
   * and again.
   *
   * @param patience for what waits for a device, or has much memory to free
   * @throws IOException if it cannot be told, or if some are left after that
   */
  public void end(Duration patience) throws IOException, InterruptedException {
    kill();
    awaitEmpty(job, patience);
  }

  private void awaitEmpty(Path cgroup, Duration patience) throws IOException, InterruptedException {
    CompletableFuture<@Nullable Void> empty = new CompletableFuture<>();
    loop.execute(() -> watch(cgroup, empty));
    try {
      empty.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw new IOException("the processes in " + cgroup + " do not end", e);
    } catch (ExecutionException e) {
      throw new IOException(
          "it cannot be told whether the processes in " + cgroup + " have ended", e.getCause());
    } finally {
      empty.cancel(false);
    }
  }

  private void watch(Path cgroup, CompletableFuture<@Nullable Void> empty) {
    Fd events;
    try {
      events = FileCalls.open(cgroup.resolve("cgroup.events"), FileCalls.O_RDONLY);
    } catch (LinuxException e) {
      if (e.errno() == Errno.ENOENT) {
        empty.complete(null);
      } else {
        empty.completeExceptionally(e);
      }
      return;
    }
    try {
      // cgroups(7): cgroup.events signals POLLPRI when a value in it changes.
      Watch watch = new Watch(events, empty);
      watch.registration = loop.registerForChanges(events, watch::look);
      var _ = empty.whenComplete((_, _) -> loop.execute(watch::close));
      watch.look(); // registered first, looked second: no change is missed in between
    } catch (LinuxException e) {
      events.close();
      empty.completeExceptionally(e);
    }
  }

  private static final class Watch {
    private final Fd events;
    private final CompletableFuture<@Nullable Void> empty;
    private EventLoop.@Nullable Registration registration;

    private Watch(Fd events, CompletableFuture<@Nullable Void> empty) {
      this.events = events;
      this.empty = empty;
    }

    private void look() {
      boolean populated;
      try {
        populated = FileCalls.readText(events).contains("populated 1");
      } catch (LinuxException e) {
        if (e.errno() != Errno.ENODEV) {
          empty.completeExceptionally(e);
          return;
        }
        populated = false; // removed
      }
      if (!populated) {
        empty.complete(null);
      }
    }

    private void close() {
      if (registration != null) {
        registration.cancel();
      }
      events.close();
    }
  }

  /**
   * Removes the slot, as soon as nobody is in it; nothing happens if it is gone already.
   *
   * @param patience for a launcher that is leaving: it has closed its socket before the kernel
   *     takes it out of its cgroup
   * @throws IOException if that cannot be told, or if somebody is in it after that
   */
  public void remove(Duration patience) throws IOException, InterruptedException {
    try {
      removeEmpty();
    } catch (IOException e) {
      awaitEmpty(slot, patience);
      removeEmpty();
    }
  }

  /** Likewise, of which it is known that nobody is in it. */
  void removeEmpty() throws IOException {
    removeEmpty(slot.resolve("job"));
    removeEmpty(slot.resolve("monitor"));
    removeEmpty(slot);
  }

  /**
   * Looks into it only if it must: a job may have made cgroups below its own, as empty as it is.
   */
  private static void removeEmpty(Path cgroup) throws IOException {
    try {
      Files.deleteIfExists(cgroup);
    } catch (IOException e) {
      try (var children = Files.newDirectoryStream(cgroup, Files::isDirectory)) {
        for (Path child : children) {
          removeEmpty(child);
        }
      }
      Files.deleteIfExists(cgroup);
    }
  }

  @Override
  public String toString() {
    return slot.toString();
  }
}
