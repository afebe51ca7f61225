package io.jobworker.cli.run;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.cli.connect.UsageException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StdinSourceTest {
  private static final Optional<String> PIPE = Optional.of("pipe:[4711]");

  @Test
  void aPipeIsReadToItsEnd() throws IOException {
    InputStream in = new ByteArrayInputStream("a\0b\n".getBytes(US_ASCII));
    assertThat(new StdinSource(in, PIPE).read().toByteArray())
        .isEqualTo("a\0b\n".getBytes(US_ASCII));
  }

  @Test
  void aMebibyteIsTakenAndMoreIsRefused() throws IOException {
    InputStream most = new ByteArrayInputStream(new byte[1 << 20]);
    assertThat(new StdinSource(most, PIPE).read().size()).isEqualTo(1 << 20);
    StdinSource more = new StdinSource(new ByteArrayInputStream(new byte[(1 << 20) + 1]), PIPE);
    assertThatThrownBy(more::read)
        .isInstanceOf(UsageException.class)
        .hasMessageContainingAll("1 MiB", "--no-stdin");
  }

  @Test
  void aTerminalIsNotWaitedFor() throws IOException {
    InputStream in = InputStream.nullInputStream();
    in.close(); // so that reading it would fail
    for (String name : List.of("/dev/pts/3", "/dev/tty1", "/dev/console", "/dev/null")) {
      assertThat(new StdinSource(in, Optional.of(name)).read().isEmpty()).isTrue();
    }
    assertThat(new StdinSource(in, Optional.empty()).read().isEmpty()).as("closed").isTrue();
  }
}
