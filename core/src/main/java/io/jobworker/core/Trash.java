package io.jobworker.core;

import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.core.process.JobDirectory;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.DelayQueue;
import java.util.concurrent.Delayed;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Where the files of forgotten jobs go: a rename, which is all that anybody waits for. Two threads
 * empty it, and after a restart go on with what is there.
 *
 * <p>One thread gives each entry a single turn, as it comes. What is not gone after that is the
 * other's, in turns, and if it failed with growing pauses; so what takes long, or is filled again
 * and again, costs others one turn. The queue is the directory itself: in memory is only what the
 * other thread has. Thread-safe.
 */
final class Trash implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Trash.class);

  /** Between attempts at what cannot be removed now; each is twice as long as the one before. */
  private static final Duration FIRST_PAUSE = Duration.ofMillis(200);

  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(10);

  private final Path directory;
  private final Remover remover;
  private final Semaphore arrivals = new Semaphore(0);

  /** What had its first turn and is still there. */
  private final Set<Path> tried = ConcurrentHashMap.newKeySet();

  private final DelayQueue<Turn> turns = new DelayQueue<>();
  private final List<Thread> workers;
  private volatile boolean closed;

  /** Another turn of an entry's, when it is due by System.nanoTime, and the pause if it fails. */
  private record Turn(Path entry, long due, Duration pause) implements Delayed {
    @Override
    public long getDelay(TimeUnit unit) {
      return unit.convert(due - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
      return Long.signum(due - ((Turn) other).due);
    }
  }

  /**
   * @param cgroup what deletion is bounded by
   */
  Trash(Path stateDirectory, Path launcher, Optional<Path> cgroup) throws IOException {
    directory = stateDirectory.resolve("trash");
    remover = new Remover(directory, launcher, cgroup);
    // Platform threads: the kernel may take long to free a large file.
    workers =
        List.of(
            Thread.ofPlatform().name("trash-0").daemon().unstarted(this::giveFirstTurns),
            Thread.ofPlatform().name("trash-1").daemon().unstarted(this::giveFurtherTurns));
    Files.createDirectories(directory, PrivateFiles.DIRECTORY);
  }

  /** Begins with what an earlier process has left. */
  void start() {
    arrivals.release();
    workers.forEach(Thread::start);
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
      move(files);
    } catch (NoSuchFileException e) {
      if (Files.notExists(files, LinkOption.NOFOLLOW_LINKS)) {
        return;
      }
      Files.createDirectories(directory, PrivateFiles.DIRECTORY); // somebody has removed the trash
      move(files);
    }
    arrivals.release();
  }

  private void move(Path files) throws IOException {
    Files.move(
        files, directory.resolve(UUID.randomUUID().toString()), StandardCopyOption.ATOMIC_MOVE);
  }

  private void giveFirstTurns() {
    try {
      while (!closed) {
        arrivals.acquire();
        arrivals.drainPermits(); // all of them are in the listing that follows
        giveFirstTurnsToAllThatIsThere();
      }
    } catch (InterruptedException e) {
      // closing
    }
  }

  private void giveFirstTurnsToAllThatIsThere() {
    try (var entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        if (closed) {
          return;
        }
        if (!tried.contains(entry)) {
          giveTurn(entry, FIRST_PAUSE);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.atError().setCause(e).log("trash.unreadable");
    }
  }

  private void giveFurtherTurns() {
    try {
      while (!closed) {
        Turn turn = turns.take();
        giveTurn(turn.entry(), turn.pause());
      }
    } catch (InterruptedException e) {
      // closing
    }
  }

  /**
   * @param pause until the next turn if this one fails
   */
  private void giveTurn(Path entry, Duration pause) {
    try {
      switch (remover.remove(entry)) {
        case GONE -> tried.remove(entry);
        case MORE -> giveAnother(entry, Duration.ZERO, pause);
      }
    } catch (IOException | RuntimeException e) {
      LOG.atLevel(pause.equals(FIRST_PAUSE) ? Level.WARN : Level.DEBUG)
          .addKeyValue("entry", entry)
          .setCause(e)
          .log("trash.not_emptied");
      giveAnother(entry, pause, Collections.min(List.of(pause.multipliedBy(2), LONGEST_PAUSE)));
    }
  }

  private void giveAnother(Path entry, Duration in, Duration pause) {
    tried.add(entry);
    turns.add(new Turn(entry, System.nanoTime() + in.toNanos(), pause));
  }

  /** Stops after the turns that are being taken, and leaves the rest to the next process. */
  @Override
  public void close() {
    closed = true;
    workers.forEach(Thread::interrupt);
  }
}
