package io.jobworker.core.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlockDeviceTest {
  @TempDir Path directory;

  @BeforeEach
  void letEverybodyIn() throws IOException {
    Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  /** The device, or why there is none, without the path. */
  private static String answer(Path path) {
    try {
      return BlockDevice.behind(path);
    } catch (IOException e) {
      return e.getClass().getSimpleName()
          + (e instanceof BlockDevice.NotFound ? ": " + e.getMessage() : "");
    }
  }

  @Test
  void whatLiesBehindAClosedDirectoryIsNotTold() throws IOException {
    Path closed = Files.createDirectory(directory.resolve("closed"));
    Files.setPosixFilePermissions(closed, PosixFilePermissions.fromString("rwx------"));
    Files.createFile(closed.resolve("there"));
    Files.createDirectory(closed.resolve("below"));
    Files.createSymbolicLink(closed.resolve("link"), Path.of("/proc/self"));
    Files.createSymbolicLink(closed.resolve("loop"), Path.of("loop"));
    String whole = answer(closed);
    for (String name : new String[] {"there", "missing", "link", "loop", "below/x", "there/x"}) {
      assertThat(answer(closed.resolve(name))).as(name).isEqualTo(whole);
    }
    Path way = Files.createSymbolicLink(directory.resolve("way"), closed.resolve("missing"));
    assertThat(answer(way)).isEqualTo(whole);
  }

  @Test
  void whatEverybodySeesIsFoundByItsLinks() throws IOException {
    Path disk = Files.createDirectory(directory.resolve("disk"));
    Files.createSymbolicLink(directory.resolve("relative"), Path.of("disk/../disk"));
    Files.createSymbolicLink(directory.resolve("absolute"), directory.resolve("relative"));
    Files.createSymbolicLink(directory.resolve("elsewhere"), Path.of("/proc"));
    String whole = answer(disk);
    assertThat(answer(directory.resolve("absolute"))).isEqualTo(whole);
    assertThat(answer(directory.resolve("elsewhere/1/.."))).isEqualTo("NotFound: it is on proc");
    assertThat(answer(directory.resolve("missing"))).isEqualTo("NoSuchFileException");
    Files.createSymbolicLink(directory.resolve("loop"), Path.of("loop"));
    assertThat(answer(directory.resolve("loop"))).isEqualTo("NotFound: there are too many links");
  }
}
