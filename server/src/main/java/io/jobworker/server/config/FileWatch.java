package io.jobworker.server.config;

import static java.nio.file.StandardWatchEventKinds.ENTRY_CREATE;
import static java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY;
import static java.nio.file.StandardWatchEventKinds.OVERFLOW;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Collection;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells when files may have changed: woken by the file system (inotify(7)), once the changes pause,
 * within half a second; and now and then without that, for file systems that tell nobody.
 */
public final class FileWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(FileWatch.class);

  /** Files are written in steps, and SQLite publishes a change only after it wrote the file. */
  private static final long PAUSE_MILLIS = 200;

  private static final long LONGEST_MILLIS = 500;
  private static final long UNTOLD_SECONDS = 60;

  /** The link that a mounted secret's files are switched over by. */
  private static final String SWITCHED = "..data";

  private final Set<String> names = new HashSet<>();
  private final Runnable changed;
  private final WatchService watch;
  private final Thread thread;

  private FileWatch(String name, Collection<Path> files, Runnable changed) throws IOException {
    this.changed = changed;
    watch = FileSystems.getDefault().newWatchService();
    thread = Thread.ofPlatform().name(name).daemon().unstarted(this::run);
    Set<Path> directories = new HashSet<>();
    for (Path file : files) {
      names.add(String.valueOf(file.getFileName()));
      Path directory = file.toAbsolutePath().getParent();
      if (directory != null && directories.add(directory)) {
        directory.register(watch, ENTRY_CREATE, ENTRY_MODIFY);
      }
    }
  }

  /**
   * Watches files, and those whose names begin as theirs do, from {@link #start} until it is
   * closed.
   *
   * @param changed is called by one thread, which it may keep; after a failure it is called again
   *     at the next change
   */
  public static FileWatch of(String name, Collection<Path> files, Runnable changed)
      throws IOException {
    return new FileWatch(name, files, changed);
  }

  /** Begins; a change since {@link #of} counts. */
  public void start() {
    thread.start();
  }

  private void run() {
    try {
      while (true) {
        WatchKey key = watch.poll(UNTOLD_SECONDS, TimeUnit.SECONDS);
        if (key == null || concerns(key)) {
          awaitPause(key);
          tell();
        }
      }
    } catch (InterruptedException | ClosedWatchServiceException e) {
      // closed
    }
  }

  private void awaitPause(@Nullable WatchKey first) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(LONGEST_MILLIS);
    WatchKey key = first;
    while (key != null && System.nanoTime() < until) {
      key = watch.poll(PAUSE_MILLIS, TimeUnit.MILLISECONDS);
      if (key != null) {
        concerns(key); // more of the same change
      }
    }
  }

  private void tell() {
    try {
      changed.run();
    } catch (RuntimeException e) {
      LOG.atError().setCause(e).addKeyValue("watch", thread.getName()).log("watch.failed");
    }
  }

  private boolean concerns(WatchKey key) {
    boolean concerns =
        key.pollEvents().stream()
            .anyMatch(event ->
                event.kind().equals(OVERFLOW) || isWatched(String.valueOf(event.context())));
    key.reset();
    return concerns;
  }

  private boolean isWatched(String name) {
    return name.equals(SWITCHED) || names.stream().anyMatch(name::startsWith);
  }

  @Override
  public void close() {
    try {
      watch.close();
      thread.join();
    } catch (IOException e) {
      LOG.atWarn().setCause(e).log("watch.not_closed");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
