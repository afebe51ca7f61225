package io.jobworker.core.process;

import io.jobworker.base.linux.PrivateFiles;
import io.jobworker.core.job.JobException;
import io.jobworker.core.job.RunAs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotLinkException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;

/**
 * One job's files: {@code output/} with its log and {@code exit} with its end, which the launcher
 * writes; {@code work/} to run in; {@code slot}, a link that names its cgroup; and while it runs
 * the launcher's control socket and life lock.
 */
public record JobDirectory(Path path) {
  /** The launcher's names ({@code launcher/src/sheet.h}). */
  static final String CONTROL_SOCKET = "control";

  static final String LIFE_LOCK = "life";
  static final String EXIT_RECORD = "exit";
  private static final String OUTPUT = "output";

  // Ours.
  private static final String WORK = "work";
  private static final String STDIN = "stdin";
  private static final String SLOT = "slot";

  private static final List<String> OF_A_RUNNING_JOB =
      List.of(CONTROL_SOCKET, LIFE_LOCK, STDIN, EXIT_RECORD + ".tmp", SLOT);

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

  /** Keeps the name of the job's cgroup, before there is one. */
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

  /** Removes what only a running job needs. */
  public void removeRunningFiles() throws IOException {
    for (String name : OF_A_RUNNING_JOB) {
      Files.deleteIfExists(path.resolve(name));
    }
    for (String name : OF_VERSION_1) {
      Files.deleteIfExists(path.resolve(name));
    }
  }
}
