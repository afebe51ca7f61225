package io.jobworker.base.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class StandardStreamsTest {
  @Test
  void aPipeThatIsFullIsWaitedFor(@TempDir Path directory) throws Exception {
    Path pipe = directory.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    byte[] sent = new byte[3 << 20];
    new Random(1).nextBytes(sent);
    byte[] got;
    CompletableFuture<Void> writing;
    try (Fd fd = FileCalls.open(pipe, FileCalls.O_RDWR | FileCalls.O_NONBLOCK);
        InputStream reader = Files.newInputStream(pipe)) {
      writing =
          CompletableFuture.runAsync(() -> {
            try {
              StandardStreams.write(fd.number(), ByteBuffer.wrap(sent));
            } catch (LinuxException e) {
              throw new AssertionError(e);
            }
          });
      got = reader.readNBytes(sent.length);
      writing.get(60, TimeUnit.SECONDS);
    }
    assertThat(got).isEqualTo(sent);
  }

  @Test
  void whatCannotBeWrittenIsToldByItsErrno() throws Exception {
    try (Fd full = FileCalls.open(Path.of("/dev/full"), FileCalls.O_RDWR)) {
      assertThatThrownBy(() -> StandardStreams.write(full.number(), ByteBuffer.allocate(1)))
          .isInstanceOfSatisfying(
              LinuxException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ENOSPC));
    }
  }

  @Test
  void errnosHaveTheSameWordsWhateverTheLanguageIs() {
    assertThat(Errno.describe(Errno.ENOENT)).isEqualTo("No such file or directory (ENOENT)");
    assertThat(Errno.describe(99_999)).contains("99999");
  }
}
