package io.jobworker.cli.render;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class WholeLinesTest {
  private final ByteArrayOutputStream shared = new ByteArrayOutputStream();
  private final WholeLines first = new WholeLines(shared);
  private final WholeLines second = new WholeLines(shared);

  @Test
  void nobodyBreaksAnothersLine() throws IOException {
    first.write("a1\na2 ".getBytes(UTF_8));
    second.write("b1\n".getBytes(UTF_8));
    first.write("goes on\n".getBytes(UTF_8));
    assertThat(shared.toString(UTF_8)).isEqualTo("a1\nb1\na2 goes on\n");
  }

  @Test
  void aLineWithoutAnEndGetsOne() throws IOException {
    first.write("half".getBytes(UTF_8));
    first.endLine();
    first.endLine();
    assertThat(shared.toString(UTF_8)).isEqualTo("half\n");
  }

  @Test
  void aLineWithoutBoundsIsNotKeptInMemory() throws IOException {
    byte[] piece = "x".repeat(1000).getBytes(UTF_8);
    for (int i = 0; i < 1100; i++) {
      first.write(piece);
    }
    assertThat(shared.size()).isGreaterThan(1 << 20);
  }
}
