package io.jobworker.core;

import io.jobworker.core.linux.Errno;
import io.jobworker.core.linux.Fd;
import io.jobworker.core.linux.Linux;
import io.jobworker.core.linux.LinuxException;
import io.jobworker.core.linux.PrivateFiles;
import io.jobworker.core.output.Stream;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One job's files: {@code output/} with its log, {@code work/} to run in, {@code exit} with its
 * end, and while it runs the launcher's FIFOs, control socket and life lock.
 */
record JobDirectory(Path path) {
  private static final List<String> OF_A_RUNNING_JOB =
      List.of(Stream.STDOUT.fifo(), Stream.STDERR.fifo(), "control", "life", "stdin", "exit.tmp");

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

  /**
   * The reading ends of the FIFOs that the launcher has made; stderr's is missing when it is
   * merged.
   */
  Map<Stream, Fd> openPipes() throws LinuxException {
    Map<Stream, Fd> pipes = new EnumMap<>(Stream.class);
    try {
      for (Stream stream : Stream.values()) {
        Path fifo = path.resolve(stream.fifo());
        if (Files.isRegularFile(fifo) || Files.isDirectory(fifo)) {
          continue; // somebody has put it there
        }
        try {
          pipes.put(stream, Linux.open(fifo, Linux.O_RDONLY | Linux.O_NONBLOCK));
        } catch (LinuxException e) {
          if (e.errno() != Errno.ENOENT) {
            throw e;
          }
        }
      }
      return pipes;
    } catch (LinuxException e) {
      pipes.values().forEach(Fd::close);
      throw e;
    }
  }

  /** Removes what only a running job needs. */
  void removeRunningFiles() throws IOException {
    for (String name : OF_A_RUNNING_JOB) {
      Files.deleteIfExists(path.resolve(name));
    }
  }

  /** Removes the job's output. */
  void deleteOutput() throws IOException {
    delete(output());
  }

  /** Removes everything; nothing happens if it is gone already. Links are removed, not followed. */
  void delete() throws IOException {
    delete(path);
  }

  private static void delete(Path tree) throws IOException {
    try {
      Files.walkFileTree(
          tree,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.deleteIfExists(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException problem)
                throws IOException {
              if (problem != null) {
                throw problem;
              }
              Files.deleteIfExists(directory);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (NoSuchFileException e) {
      // as wanted
    }
  }
}
