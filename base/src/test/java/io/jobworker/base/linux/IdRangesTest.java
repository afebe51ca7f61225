package io.jobworker.base.linux;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IdRangesTest {
  @TempDir private Path etc;

  @BeforeEach
  void write() throws IOException {
    Files.writeString(
        etc.resolve("passwd"), "root:x:0:0::/:/bin/sh\nbob:x:600005:100::/:/bin/sh\n");
    Files.writeString(etc.resolve("group"), "root:x:0:\nstaff:x:600006:\n");
    Files.writeString(
        etc.resolve("subuid"),
        "# of containers\n\nalice:100000:65536\ncarol:590000:10001\ndave:610000:0\nx:y:z\n");
  }

  @Test
  void whoeverHasAnIdOfTheRangeIsNamedWithTheFileThatSaysSo() {
    assertThat(IdRanges.othersIn(etc, 600000, 665535))
        .containsExactly(
            "bob in " + etc + "/passwd",
            "staff in " + etc + "/group",
            "carol in " + etc + "/subuid");
  }

  @Test
  void aRangeThatOnlyTouchesOthersIsNobodyElses() {
    assertThat(IdRanges.othersIn(etc, 165536, 589999)).isEmpty();
    assertThat(IdRanges.othersIn(etc, 165535, 165535)).hasSize(1);
    assertThat(IdRanges.othersIn(etc, 600001, 600004)).isEmpty();
  }

  @Test
  void filesThatAreNotThereNameNobody() {
    assertThat(IdRanges.othersIn(etc.resolve("none"), 0, Integer.MAX_VALUE)).isEmpty();
  }
}
