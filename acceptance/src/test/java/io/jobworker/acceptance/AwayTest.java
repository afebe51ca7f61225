package io.jobworker.acceptance;

import io.jobworker.acceptance.torture.Away;
import org.junit.jupiter.api.Test;

/** The short one; {@code acceptance/torture --away 1024} is the long one. */
class AwayTest {
  private static final long MEBIBYTES = 192; // three times what a log keeps if it is not told

  @Test
  void jobsWriteAndEndWithoutAServerAndNotAByteIsLostOrDoubled() throws Exception {
    Away.run(MEBIBYTES);
  }
}
