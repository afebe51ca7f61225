package io.jobworker.core;

import io.jobworker.core.job.RunAs;
import io.jobworker.core.linux.PrivateFiles;
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
record JobDirectory(Path path) {
  private static final String SLOT = "slot";

  private static final List<String> OF_A_RUNNING_JOB =
      List.of("control", "life", "stdin", "exit.tmp", SLOT);

  /** What a launcher of version 1 had beside them. */
  private static final List<String> OF_VERSION_1 = List.of("stdout", "stderr");

  static void createPrivately(Path directory) throws IOException {
    Files.createDirectories(directory, PrivateFiles.DIRECTORY);
  }

  void create() throws IOException {
    Files.createDirectory(path, PrivateFiles.DIRECTORY);
    Files.createDirectory(work(), PrivateFiles.DIRECTORY);
  }

  Path output() {
    return path.resolve("output");
  }

  Path work() {
    return path.resolve("work");
  }

  /** Makes the working directory the user's own. */
  void giveWorkTo(RunAs user) throws IOException {
    Files.setAttribute(work(), "unix:uid", user.uid());
    Files.setAttribute(work(), "unix:gid", user.gid());
  }

  /** Keeps what the job is to read, and tells where. */
  Path writeStdin(byte[] content) throws IOException {
    Path file = path.resolve("stdin");
    Files.createFile(file, PrivateFiles.FILE);
    Files.write(file, content, StandardOpenOption.WRITE);
    return file;
  }

  /** Keeps the name of the job's cgroup, before there is one. */
  void writeSlot(String name) throws IOException {
    Files.createSymbolicLink(path.resolve(SLOT), Path.of(name));
  }

  /** The name of the job's cgroup; empty if none was kept. */
  Optional<String> slot() throws IOException {
    try {
      return Optional.of(Files.readSymbolicLink(path.resolve(SLOT)).toString());
    } catch (NoSuchFileException | NotLinkException e) {
      return Optional.empty();
    }
  }

  /** Removes what only a running job needs. */
  void removeRunningFiles() throws IOException {
    for (String name : OF_A_RUNNING_JOB) {
      Files.deleteIfExists(path.resolve(name));
    }
    for (String name : OF_VERSION_1) {
      Files.deleteIfExists(path.resolve(name));
    }
  }
}
