package io.jobworker.base.units;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MomentsTest {
  /** In Tokyo, nine hours ahead, it is the day after. */
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-11-26T20:00:00Z"), ZoneId.of("Asia/Tokyo"));

  @ParameterizedTest
  @CsvSource({
    "2026-01-31T12:00:00Z, 2026-01-31T12:00:00Z",
    "2026-01-31t12:00:00z, 2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00.123456789Z, 2026-01-31T12:00:00.123456789Z",
    "2026-01-31T12:00:00+01:00, 2026-01-31T11:00:00Z",
    "2026-01-31T12:00:00-01:30, 2026-01-31T13:30:00Z",
    "2026-01-31T12:00:00, 2026-01-31T03:00:00Z",
    "2026-01-31 12:00, 2026-01-31T03:00:00Z",
    "2026-01-31, 2026-01-30T15:00:00Z",
    "1700000000, 2023-11-14T22:13:20Z",
    "1700000000.25, 2023-11-14T22:13:20.250Z",
    "90, 1970-01-01T00:01:30Z",
    "15m, 2026-11-26T19:45:00Z",
    "1h30m ago, 2026-11-26T18:30:00Z",
    "0s, 2026-11-26T20:00:00Z",
    "today, 2026-11-26T15:00:00Z",
    "now, 2026-11-26T20:00:00Z",
  })
  void aMomentIsReadInEveryUsualForm(String text, Instant moment) {
    assertThat(Moments.parse(text, CLOCK)).isEqualTo(moment);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "soon",
        "-5m",
        "2026-13-01",
        "2026-02-30T00:00:00Z",
        "2026-01-31T25:00",
        "15x",
        "1e9",
        "9999999999999999999"
      })
  void whatIsNoMomentIsRefusedWithHowToWriteOne(String text) {
    assertThatThrownBy(() -> Moments.parse(text, CLOCK))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("'" + text + "' is no time; write ");
  }

  @Test
  void aDurationThatGoesBackBeyondAllTimesIsRefused() {
    assertThatThrownBy(() -> Moments.parse("100000000000d", CLOCK))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
