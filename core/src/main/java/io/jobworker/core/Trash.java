package io.jobworker.core;

import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the files of forgotten jobs go: a rename, which is all that anybody waits for. Two threads
 * empty it, whatever has come into it, and after a restart go on with what is there.
 *
 * <p>What a job has left in its working directory is removed by a process of the job's own user
 * ({@code launcher/src/remove.h}): this one never walks it. The rest was made by the server's own
 * user, in directories that a job cannot reach, and is removed by name. Thread-safe.
 */
final class Trash implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Trash.class);
  private static final int WORKERS = 2;

  /** Between attempts at what cannot be removed now; each is twice as long as the one before. */
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);

  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);

  /** {@code launcher/src/remove.h}: there is more, but others get their turn. */
  private static final int TIME_UP = 75;

  private final Path directory;
  private final Path launcher;
  private final Optional<Path> cgroup;
  private final Semaphore work = new Semaphore(0);
  private final Set<Path> inHand = ConcurrentHashMap.newKeySet();
  private final Map<Path, Pause> pauses = new ConcurrentHashMap<>();
  private final List<Thread> workers = new ArrayList<>();
  private volatile boolean closed;

  /** Until when an entry is left alone, by System.nanoTime, and for how long the next time. */
  private record Pause(long until, Duration next) {}

  /**
   * @param cgroup what deletion is bounded by
   */
  Trash(Path stateDirectory, Path launcher, Optional<Path> cgroup) throws IOException {
    this.directory = stateDirectory.resolve("trash");
    this.launcher = launcher;
    this.cgroup = cgroup;
    JobDirectory.createPrivately(directory);
  }

  /** Begins with what an earlier process has left. */
  void start() {
    for (int i = 0; i < WORKERS; i++) {
      workers.add(Thread.ofPlatform().name("trash-" + i).daemon().start(this::run));
    }
    work.release();
  }

  /** The job's files are gone from where they were; nothing happens if they were not there. */
  void discard(JobDirectory job) throws IOException {
    discard(job.path());
  }

  /** Likewise for its output only. */
  void discardOutput(JobDirectory job) throws IOException {
    discard(job.output());
  }

  private void discard(Path files) throws IOException {
    try {
      Files.move(
          files, directory.resolve(UUID.randomUUID().toString()), StandardCopyOption.ATOMIC_MOVE);
      work.release();
    } catch (NoSuchFileException e) {
      // as wanted
    }
  }

  private void run() {
    while (!closed) {
      try {
        Optional<Path> next = take();
        if (next.isPresent()) {
          try {
            empty(next.get());
          } finally {
            inHand.remove(next.get());
          }
        } else {
          var _ = work.tryAcquire(untilNext(), TimeUnit.NANOSECONDS);
        }
      } catch (InterruptedException e) {
        return; // closing
      } catch (IOException | RuntimeException e) {
        LOG.atError().setCause(e).log("trash.failed");
        pauseAfterFailure();
      }
    }
  }

  private static void pauseAfterFailure() {
    try {
      Thread.sleep(FIRST_PAUSE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** An entry that nobody has in hand, and that need not be left alone. */
  private Optional<Path> take() throws IOException {
    long now = System.nanoTime();
    try (var entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        Pause pause = pauses.get(entry);
        if ((pause == null || pause.until() - now <= 0) && inHand.add(entry)) {
          return Optional.of(entry);
        }
      }
    }
    return Optional.empty();
  }

  private long untilNext() {
    long now = System.nanoTime();
    long next = Long.MAX_VALUE;
    for (Pause pause : pauses.values()) {
      next = Math.min(next, Math.max(1, pause.until() - now));
    }
    return next;
  }

  private void empty(Path entry) {
    try {
      if (Files.notExists(entry, LinkOption.NOFOLLOW_LINKS)) {
        return; // another has just removed it
      }
      emptyWork(entry);
      deleteByName(entry);
      pauses.remove(entry);
    } catch (IOException | RuntimeException e) {
      Pause before = pauses.get(entry);
      Duration pause = before == null ? FIRST_PAUSE : before.next();
      if (before == null || before.next().compareTo(LONGEST_PAUSE) < 0) {
        LOG.atLevel(before == null ? org.slf4j.event.Level.WARN : org.slf4j.event.Level.DEBUG)
            .addKeyValue("entry", entry)
            .setCause(e)
            .log("trash.not_emptied");
      }
      Duration next = pause.multipliedBy(2);
      pauses.put(
          entry,
          new Pause(
              System.nanoTime() + pause.toNanos(),
              next.compareTo(LONGEST_PAUSE) < 0 ? next : LONGEST_PAUSE));
    }
  }

  /** A directory without anything in it needs no process. */
  private void emptyWork(Path entry) throws IOException {
    Path left = entry.resolve("work");
    if (Files.notExists(left, LinkOption.NOFOLLOW_LINKS) || removeIfEmpty(left)) {
      return;
    }
    List<String> arguments = new ArrayList<>(List.of("--remove", entry.getFileName().toString()));
    cgroup.ifPresent(path -> arguments.add(path.toString()));
    int status;
    try (Fd trash = Linux.open(directory, Linux.O_RDONLY)) {
      status = Linux.reap(Linux.spawn(launcher, "job-worker-remove", arguments, List.of(trash)));
    }
    if (status != 0 && status != TIME_UP << 8) {
      throw new IOException(left + " is not empty; the helper ended with wait status " + status);
    }
    if (!removeIfEmpty(left) && status == 0) {
      throw new IOException(left + " is not empty, although its helper says so");
    }
  }

  private static boolean removeIfEmpty(Path left) throws IOException {
    try {
      Files.deleteIfExists(left); // rmdir, or a link that somebody has put there
      return true;
    } catch (java.nio.file.DirectoryNotEmptyException e) {
      return false;
    }
  }

  /** What the server and launchers have made: files, and one level of directories with files. */
  private static void deleteByName(Path entry) throws IOException {
    if (Files.exists(entry.resolve("work"), LinkOption.NOFOLLOW_LINKS)) {
      return; // it gets another turn
    }
    try (var files = Files.newDirectoryStream(entry)) {
      for (Path file : files) {
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
          try (var inner = Files.newDirectoryStream(file)) {
            for (Path innermost : inner) {
              Files.deleteIfExists(innermost);
            }
          }
        }
        Files.deleteIfExists(file);
      }
    }
    Files.deleteIfExists(entry);
  }

  /** Stops after the entries in hand, and leaves the rest to the next process. */
  @Override
  public void close() {
    closed = true;
    work.release(WORKERS);
    workers.forEach(Thread::interrupt);
  }
}
