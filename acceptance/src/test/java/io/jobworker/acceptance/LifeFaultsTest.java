package io.jobworker.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.jobworker.acceptance.torture.LifeFaults;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;

/** A sample of the calls; {@code acceptance/torture --faults} visits all of them. */
@Order(1)
class LifeFaultsTest {
  @Test
  void whicheverCallFailsOrIsTheLastJobsEndAsTheyDidAndNothingIsLeft() throws Exception {
    assumeTrue(LifeFaults.isPossible(), "strace is not there, or may not trace");
    try (LifeFaults faults = new LifeFaults()) {
      faults.strikeLocks();
      faults.strikeSample(SAMPLE);
      assertThat(faults.wrong()).isEmpty();
      assertThat(faults.struck()).isGreaterThan(5);
    }
  }

  /** One of so many. */
  private static final int SAMPLE = 12;
}
