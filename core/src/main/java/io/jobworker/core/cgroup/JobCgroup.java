package io.jobworker.core.cgroup;

import io.jobworker.core.linux.EventLoop;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.linux.LinuxException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One job's cgroup. Thread-safe. */
public final class JobCgroup {
  private final Path path;
  private final EventLoop loop;

  JobCgroup(Path path, EventLoop loop) {
    this.path = path;
    this.loop = loop;
  }

  public Path path() {
    return path;
  }

  /** SIGKILL to every process in it, forks in flight included; nothing happens if it is gone. */
  public void kill() throws IOException {
    try {
      Files.writeString(path.resolve("cgroup.kill"), "1");
    } catch (NoSuchFileException e) {
      // Gone, or a kernel before 5.14, where the launcher kills by descent.
    }
  }

  /** Whether a process lives in it or below it. */
  public boolean populated() throws IOException {
    try {
      return Files.readString(path.resolve("cgroup.events")).contains("populated 1");
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /**
   * Completes when no process is left in it, by the kernel's word and not by asking again and
   * again.
   */
  public CompletableFuture<@Nullable Void> whenEmpty() {
    CompletableFuture<@Nullable Void> empty = new CompletableFuture<>();
    loop.execute(() -> watch(empty));
    return empty;
  }

  private void watch(CompletableFuture<@Nullable Void> empty) {
    try {
      // cgroups(7): cgroup.events signals POLLPRI when a value in it changes.
      Fd events = Linux.open(path.resolve("cgroup.events"), Linux.O_RDONLY);
      Watch watch = new Watch(events, empty);
      watch.registration = loop.registerForChanges(events, watch::look);
      watch.look(); // registered first, looked second: no change is missed in between
    } catch (LinuxException e) {
      empty.complete(null); // the cgroup is gone
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

    private void look() throws LinuxException {
      boolean populated;
      try {
        populated = Linux.readText(events).contains("populated 1");
      } catch (LinuxException e) {
        populated = false; // ENODEV: removed
      }
      if (!populated) {
        if (registration != null) {
          registration.cancel();
        }
        events.close();
        empty.complete(null);
      }
    }
  }

  /** Removes the empty cgroup; nothing happens if it is gone already. */
  public void remove() throws IOException {
    // A job may have made cgroups below its own; they are as empty as it is.
    if (!Files.isDirectory(path)) {
      return;
    }
    try (var children = Files.newDirectoryStream(path, Files::isDirectory)) {
      for (Path child : children) {
        new JobCgroup(child, loop).remove();
      }
    }
    Files.deleteIfExists(path);
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
