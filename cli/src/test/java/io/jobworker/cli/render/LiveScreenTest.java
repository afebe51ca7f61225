package io.jobworker.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class LiveScreenTest {
  private final StringWriter terminal = new StringWriter();
  private final LiveScreen live = new LiveScreen(new PrintWriter(terminal));

  @Test
  void aFrameWritesOverTheOneBeforeAndErasesOnlyWhatIsLeftOfIt() {
    live.show(List.of("one", "two"), 24);
    live.show(List.of("three"), 24);
    assertThat(terminal.toString())
        .isEqualTo("\033[?1049h\033[Hone\033[K\ntwo\033[K\n\033[J" + "\033[Hthree\033[K\n\033[J");
  }

  @Test
  void atItsEndTheLastFrameStaysWholeAndNothingFollows() {
    live.show(List.of("1", "2", "3", "4"), 3);
    assertThat(terminal.toString()).contains("2\033[K\n\033[J").doesNotContain("3");
    live.close();
    live.show(List.of("late"), 3);
    live.close();
    assertThat(terminal.toString()).endsWith("\033[?1049l1\n2\n3\n4\n");
  }

  @Test
  void aScreenThatWasLeftIsEnteredAgainByTheNextFrame() {
    live.show(List.of("1"), 24);
    live.leave();
    assertThat(terminal.toString()).endsWith("\033[J\033[?1049l");
    live.leave();
    live.show(List.of("2"), 24);
    assertThat(terminal.toString()).endsWith("\033[?1049l\033[?1049h\033[H2\033[K\n\033[J");
  }

  @Test
  void whatWasNeverShownNeedsNoEnd() {
    live.close();
    assertThat(terminal.toString()).isEmpty();
  }
}
