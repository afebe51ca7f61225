package io.jobworker.base.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LocalPortsTest {
  @Test
  void thoseOfTheRangeAreGivenAwayUnlessTheyAreReserved() {
    String range = "32768\t60999\n";
    assertThat(LocalPorts.isGivenAway(7443, range, "\n")).isFalse();
    assertThat(LocalPorts.isGivenAway(32768, range, "\n")).isTrue();
    assertThat(LocalPorts.isGivenAway(60999, range, "8080,50000-50010\n")).isTrue();
    assertThat(LocalPorts.isGivenAway(61000, range, "\n")).isFalse();
    assertThat(LocalPorts.isGivenAway(50005, range, "8080,50000-50010\n")).isFalse();
    assertThat(LocalPorts.isGivenAway(50051, range, "50051\n")).isFalse();
  }
}
