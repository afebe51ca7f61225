package io.jobworker.base.units;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class DurationsTest {
  @Test
  void partsAddUpAndANumberIsSeconds() {
    assertThat(Durations.parse("500ms")).isEqualTo(Duration.ofMillis(500));
    assertThat(Durations.parse("1m30s")).isEqualTo(Duration.ofSeconds(90));
    assertThat(Durations.parse(" 7D ")).isEqualTo(Duration.ofDays(7));
    assertThat(Durations.parse("2h")).isEqualTo(Duration.ofHours(2));
    assertThat(Durations.parse("1.5h")).isEqualTo(Duration.ofMinutes(90));
    assertThat(Durations.parse("0.2s")).isEqualTo(Duration.ofMillis(200));
    assertThat(Durations.parse("1m2.5s")).isEqualTo(Duration.ofMillis(62_500));
    assertThat(Durations.parse("0.5")).isEqualTo(Duration.ofMillis(500));
    assertThat(Durations.parse("0")).isZero();
    assertThat(Durations.parse("90")).isEqualTo(Duration.ofSeconds(90));
  }

  @Test
  void whatIsNoneIsRefusedWithWhatToWrite() {
    for (String text :
        new String[] {"", "soon", "1.s", ".5s", "1,5s", "-1s", "1s and more", "1w", "s"}) {
      assertThatThrownBy(() -> Durations.parse(text))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("'" + text + "' is not a duration; write 500ms, 10s, 1m30s, 2h or 7d");
    }
  }

  @Test
  void whatIsLongerThanCanBeCountedIsRefused() {
    assertThatThrownBy(() -> Durations.parse("999999999999d"))
        .hasMessage("'999999999999d' is too long");
  }
}
