package io.jobworker.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class FoldedTest {
  private static String folded(String line) {
    return Folded.of(line, OptionalInt.of(20), 4);
  }

  @Test
  void aLineGoesOnFurtherInAfterABlank() {
    assertThat(folded("one two three four five six")).isEqualTo("one two three four\n    five six");
    assertThat(folded("just twenty columns."))
        .as("what fits is left as it is")
        .isEqualTo("just twenty columns.");
  }

  @Test
  void aWordThatIsTooWideAloneIsFoldedWhereverTheTerminalEnds() {
    assertThat(folded("a " + "x".repeat(40)))
        .as("where a new line would have no more room")
        .isEqualTo("a " + "x".repeat(18) + "\n    " + "x".repeat(16) + "\n    " + "x".repeat(6));
    assertThat(folded("a bcde " + "x".repeat(30)))
        .isEqualTo("a bcde\n    " + "x".repeat(16) + "\n    " + "x".repeat(14));
    assertThat(folded("日".repeat(12))).isEqualTo("日".repeat(10) + "\n    日日");
  }

  @Test
  void coloursTakeNoRoom() {
    String line = "\033[31mfailed\033[0m after 12 secs";
    assertThat(folded(line)).isEqualTo(line);
  }

  @Test
  void whereNoTerminalIsNothingIsFolded() {
    String line = "word ".repeat(100).strip();
    assertThat(Folded.of(line, OptionalInt.empty(), 4)).isEqualTo(line);
  }
}
