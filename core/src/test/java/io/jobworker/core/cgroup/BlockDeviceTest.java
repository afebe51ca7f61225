package io.jobworker.core.cgroup;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.base.linux.ProcessCalls;
import io.jobworker.core.job.RunAs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlockDeviceTest {
  private static final String REFUSED = "AccessDeniedException";

  private static final Optional<RunAs> SOMEBODY = Optional.of(new RunAs(65534, 65534));

  @TempDir Path directory;
  private Path closed;
  private Path disk;

  @BeforeEach
  void aClosedDirectoryAndAnOpenOne() throws IOException {
    assumeTrue(ProcessCalls.isRoot());
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    closed = Files.createDirectory(directory.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwxrwx---"));
    disk = Files.createDirectory(directory.resolve("disk"));
  }

  /** The device, or why there is none, without the path. */
  private static String answer(Path path, Optional<RunAs> rights) {
    try {
      return BlockDevice.behind(path, rights);
    } catch (IOException e) {
      return e.getClass().getSimpleName()
          + (e instanceof BlockDevice.NotFound ? ": " + e.getMessage() : "");
    }
  }

  private static String answer(Path path) {
    return answer(path, SOMEBODY);
  }

  @Test
  void whatLiesBehindAClosedDirectoryIsNotTold() throws IOException {
    Files.createFile(closed.resolve("there"));
    Files.createDirectory(closed.resolve("below"));
    Files.createSymbolicLink(closed.resolve("link"), Path.of("/proc/self"));
    Files.createSymbolicLink(closed.resolve("loop"), Path.of("loop"));
    for (String name : new String[] {"there", "missing", "link", "loop", "below/x", "there/x"}) {
      assertThat(answer(closed.resolve(name))).as(name).isEqualTo(REFUSED);
    }
    Path way = Files.createSymbolicLink(directory.resolve("way"), closed.resolve("missing"));
    assertThat(answer(way)).isEqualTo(REFUSED);
  }

  @Test
  void theLinksOfAnotherUsersProcessAreNotFollowed() throws Exception {
    Process process = new ProcessBuilder("cat").directory(closed.toFile()).start();
    try {
      Path itsDirectory = Path.of("/proc/" + process.pid() + "/cwd");
      assumeTrue(Files.isDirectory(itsDirectory), "not even we may follow them here");
      assertThat(answer(itsDirectory)).isEqualTo(REFUSED);
      assertThat(answer(itsDirectory, Optional.empty())).isEqualTo(answer(disk));
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  @Test
  void aLinkThatChangesMeanwhileTellsNoMore() throws Exception {
    Path way = directory.resolve("way");
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Void> swaps =
        CompletableFuture.runAsync(
            () -> {
              for (int i = 0; !done.get(); i++) {
                swap(way, i % 2 == 0 ? disk : closed.resolve("missing"));
              }
            },
            task -> Thread.ofPlatform().start(task));
    String whole = answer(disk);
    try {
      while (!Files.exists(way)) {
        Thread.onSpinWait();
      }
      for (int i = 0; i < 300; i++) {
        assertThat(answer(way)).isIn(whole, REFUSED);
      }
    } finally {
      done.set(true);
      swaps.join();
    }
  }

  private static void swap(Path way, Path target) {
    try {
      Path next = Files.createSymbolicLink(way.resolveSibling("next"), target);
      Files.move(next, way, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void whatTheySeeIsFoundByItsLinks() throws IOException {
    Files.createSymbolicLink(directory.resolve("relative"), Path.of("disk/../disk"));
    Files.createSymbolicLink(directory.resolve("absolute"), directory.resolve("relative"));
    Files.createSymbolicLink(directory.resolve("elsewhere"), Path.of("/proc"));
    String whole = answer(disk);
    assertThat(answer(directory.resolve("absolute"))).isEqualTo(whole);
    assertThat(answer(directory.resolve("elsewhere/1/.."))).isEqualTo("NotFound: it is on proc");
    assertThat(answer(directory.resolve("missing"))).isEqualTo("NoSuchFileException");
    Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
    assertThat(answer(directory.resolve("loop"))).isEqualTo("FileSystemException");
  }

  @Test
  void whatNobodyNamedIsFoundWithOurOwnRights() throws IOException {
    Path own = Files.createDirectory(closed.resolve("own"));
    assertThat(answer(own, Optional.empty())).isEqualTo(answer(disk));
    assertThat(Files.exists(closed.resolve("own"))).as("we are who we were").isTrue();
  }

  @Test
  void aDeviceFileStandsForItsDevice() throws IOException {
    String number = answer(disk);
    Path device = Path.of("/dev/block").resolve(number);
    if (!Files.exists(device)) { // udev(7) makes the links
      device = directory.resolve("device");
      String[] parts = number.split(":", -1);
      ProcessBuilder mknod =
          new ProcessBuilder("mknod", device.toString(), "b", parts[0], parts[1]);
      try {
        assumeTrue(mknod.start().waitFor() == 0);
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }
    assertThat(answer(device)).isEqualTo(number);
  }
}
