package io.jobworker.core;

import io.jobworker.base.linux.Errno;
import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.base.words.OsString;
import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Removes one entry of the trash: a job's directory, or its output alone.
 *
 * <p>What the job has left in {@code work} is removed by a process of the job's own user, the
 * launcher's helper ({@code launcher/src/remove.h}); this process never walks it. Everything else
 * was made by the server's own user, in directories that a job cannot reach: files, and one level
 * of directories with files. That is removed by name. Thread-safe.
 */
final class Remover {
  private static final String WORK = "work";

  private final Path trash;
  private final Path launcher;
  private final Optional<Path> cgroup;

  /** What there is of the entry afterwards. */
  enum Result {
    GONE,
    /** One run of the helper was not enough; another goes on from there. */
    MORE
  }

  /**
   * @param trash the directory of all entries, which is the server's alone
   * @param cgroup in which helpers are born
   */
  Remover(Path trash, Path launcher, Optional<Path> cgroup) {
    this.trash = trash;
    this.launcher = launcher;
    this.cgroup = cgroup;
  }

  /**
   * Removes as much as one run of the helper can, and in any case what the server itself has made.
   * Waits for the helper.
   *
   * @throws IOException if something cannot be removed now; it says why
   */
  Result remove(Path entry) throws IOException {
    if (Files.notExists(entry, LinkOption.NOFOLLOW_LINKS)) {
      return Result.GONE;
    }
    removeOwn(entry);
    if (!removeWork(entry)) {
      return Result.MORE;
    }
    Files.deleteIfExists(entry);
    return Result.GONE;
  }

  private static void removeOwn(Path entry) throws IOException {
    try (var files = Files.newDirectoryStream(entry, file -> !file.endsWith(WORK))) {
      for (Path file : files) {
        if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
          removeFilesOf(file);
        }
        Files.deleteIfExists(file);
      }
    }
  }

  private static void removeFilesOf(Path directory) throws IOException {
    try (var files = Files.newDirectoryStream(directory)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    }
  }

  /** Answers false if there is more than one run can remove. */
  private boolean removeWork(Path entry) throws IOException {
    Path work = entry.resolve(WORK);
    if (removeIfEmpty(work)) {
      return true; // which needs no process
    }
    int error = runHelper(entry.getFileName().toString());
    if (error == Errno.ETIME) {
      return false;
    }
    if (error != 0) {
      throw new IOException(work + " cannot be emptied: " + Errno.describe(error));
    }
    if (!removeIfEmpty(work)) {
      throw new IOException(work + " was emptied, and somebody has filled it again");
    }
    return true;
  }

  private static boolean removeIfEmpty(Path work) throws IOException {
    try {
      Files.deleteIfExists(work); // rmdir, or a link that somebody has put there
      return true;
    } catch (DirectoryNotEmptyException e) {
      return false;
    }
  }

  /** 0 or an errno, as {@code remove.h} says. */
  private int runHelper(String name) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("--remove", name));
    cgroup.ifPresent(path -> arguments.add(OsString.of(path)));
    int pid;
    try (Fd directory = FileCalls.open(trash, FileCalls.O_RDONLY)) {
      pid = ProcessCalls.spawn(launcher, "job-worker-remove", arguments, List.of(directory));
    }
    int status = ProcessCalls.reap(pid);
    return (status & 0x7f) == 0 ? (status >> 8) & 0xff : Errno.EINTR; // wait(2): exited or killed
  }
}
