package io.jobworker.cli.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class StdinSourceTest {
  private static final InputStream IN = InputStream.nullInputStream();

  @Test
  void aPipeOrAFileIsGiven() {
    for (String name : List.of("pipe:[4711]", "/srv/words", "socket:[4712]")) {
      assertThat(new StdinSource(IN, Optional.of(name)).unlessTerminal()).contains(IN);
    }
  }

  @Test
  void aTerminalIsGivenOnlyWhereItIsAskedFor() {
    for (String name : List.of("/dev/pts/3", "/dev/tty1", "/dev/console", "/dev/null")) {
      StdinSource source = new StdinSource(IN, Optional.of(name));
      assertThat(source.unlessTerminal()).isEmpty();
      assertThat(source.whatever()).isSameAs(IN);
    }
    assertThat(new StdinSource(IN, Optional.empty()).unlessTerminal()).as("closed").isEmpty();
  }
}
