package io.jobworker.core.process;

import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.RunAs;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.List;
import java.util.Optional;

/**
 * One job's files: {@code output/} with its log and {@code exit} with its end, which the launcher
 * writes; {@code work/} to run in; {@code slot}, a link that names the attempt to launch it, and
 * its cgroup with it; {@code job}, which tells what it was started as; {@code started}, which tells
 * whether it may have been executed; and while it runs the launcher's control socket and life lock.
 */
public record JobDirectory(Path path) {
  /** The launcher's names ({@code launcher/src/sheet.h}). */
  static final String CONTROL_SOCKET = "control";

  static final String LIFE_LOCK = "life";
  static final String EXIT_RECORD = "exit";
  private static final String OUTPUT = "output";
  private static final String MARK = "started";
  private static final String GIVEN_UP = "given-up";

  // Ours.
  private static final String WORK = "work";
  private static final String STDIN = "stdin";
  private static final String SLOT = "slot";
  private static final String DESCRIPTION = "job";
  private static final String REMOVED = "removed";

  private static final List<String> OF_A_RUNNING_JOB =
      List.of(CONTROL_SOCKET, LIFE_LOCK, STDIN, EXIT_RECORD + ".tmp", SLOT, MARK + ".tmp");

  /** What a launcher of version 1 had beside them. */
  private static final List<String> OF_VERSION_1 = List.of("stdout", "stderr");

  /** Makes it, and the one to run in. */
  public void create() throws IOException {
    Files.createDirectory(path, PrivateFiles.DIRECTORY);
    Files.createDirectory(work(), PrivateFiles.DIRECTORY);
  }

  /** The job's log ({@code docs/log-format.md}). */
  public Path output() {
    return path.resolve(OUTPUT);
  }

  /** What the job runs in, and may fill as it likes. */
  public Path work() {
    return path.resolve(WORK);
  }

  /** Makes the working directory the user's own. */
  public void giveWorkTo(RunAs user) throws IOException {
    Files.setAttribute(work(), "unix:uid", user.uid());
    Files.setAttribute(work(), "unix:gid", user.gid());
  }

  /** Keeps what the job is to read, and tells where. */
  public Path writeStdin(byte[] content) throws IOException {
    Path file = path.resolve(STDIN);
    Files.createFile(file, PrivateFiles.FILE);
    Files.write(file, content, StandardOpenOption.WRITE);
    return file;
  }

  /**
   * What the job is to read; empty if that is nothing, or not kept any more.
   *
   * @throws JobException.Unavailable if it cannot be read now
   */
  public Optional<byte[]> stdin() {
    try {
      return Optional.of(Files.readAllBytes(path.resolve(STDIN)));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new JobException.Unavailable("what the job is to read cannot be compared now", e);
    }
  }

  /**
   * Gives up to launch the job from here ({@code launcher/src/mark.h}): afterwards no launcher will
   * execute its program, however late it is, unless it has gone ahead already.
   *
   * @return false if the program may have been executed
   * @throws IOException if neither is certain
   */
  public boolean giveUp() throws IOException {
    try {
      Files.createSymbolicLink(path.resolve(MARK), Path.of(GIVEN_UP));
      return true;
    } catch (NoSuchFileException e) {
      return true; // a launcher that is in a directory without a name executes nothing
    } catch (FileAlreadyExistsException e) {
      return !isMarked();
    }
  }

  /** Whether the program may have been executed, as far as a launcher has gone by now. */
  public boolean isMarked() throws IOException {
    try {
      return !Files.readAttributes(
              path.resolve(MARK), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
          .isSymbolicLink();
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /** Of a program that was not executed, the step and the errno at which that failed. */
  public Optional<LaunchFailure> failure() throws IOException {
    try {
      String[] words = Files.readSymbolicLink(path.resolve(MARK)).toString().split(" ", -1);
      return words.length == 2
          ? Optional.of(new LaunchFailure(words[0], Integer.parseInt(words[1])))
          : Optional.empty();
    } catch (NoSuchFileException | NotLinkException | NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** Keeps the name of the attempt, which is that of the job's cgroup, before there is one. */
  public void writeSlot(String name) throws IOException {
    Files.createSymbolicLink(path.resolve(SLOT), Path.of(name));
  }

  /** The name of the job's cgroup; empty if none was kept. */
  public Optional<String> slot() throws IOException {
    try {
      return Optional.of(Files.readSymbolicLink(path.resolve(SLOT)).toString());
    } catch (NoSuchFileException | NotLinkException e) {
      return Optional.empty();
    }
  }

  /** Keeps what the job was started as. */
  public void describe(byte[] description) throws IOException {
    Path file = path.resolve(DESCRIPTION);
    Files.createFile(file, PrivateFiles.FILE);
    Files.write(file, description, StandardOpenOption.WRITE);
  }

  /**
   * What the job was started as.
   *
   * @throws IOException also if that was not kept
   */
  public byte[] description() throws IOException {
    return Files.readAllBytes(path.resolve(DESCRIPTION));
  }

  /** Says that the job was removed and nobody wants this any more, should it still be here. */
  public void markRemoved() throws IOException {
    try {
      Files.createSymbolicLink(path.resolve(REMOVED), Path.of(REMOVED));
    } catch (FileAlreadyExistsException | NoSuchFileException e) {
      // as wanted
    }
  }

  /** Takes that back. */
  public void unmarkRemoved() throws IOException {
    Files.deleteIfExists(path.resolve(REMOVED));
  }

  /** Whether it was said that the job was removed. */
  public boolean isRemoved() {
    return Files.isSymbolicLink(path.resolve(REMOVED));
  }

  private boolean has(String name) throws IOException {
    try {
      var _ =
          Files.readAttributes(
              path.resolve(name), BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
      return true;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  /**
   * Removes what only a running job needs. The mark stays where nothing else says that the program
   * may have been executed.
   */
  public void removeRunningFiles() throws IOException {
    for (String name : OF_A_RUNNING_JOB) {
      Files.deleteIfExists(path.resolve(name));
    }
    for (String name : OF_VERSION_1) {
      Files.deleteIfExists(path.resolve(name));
    }
    if (has(EXIT_RECORD)) {
      Files.deleteIfExists(path.resolve(MARK));
    }
  }
}
