package io.jobworker.core.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExitRecordTest {
  private static final String GOOD =
      """
      version 1
      main_pid 7
      exit_code 3
      signal 0
      core_dumped 0
      cause stop
      started_at_ns 1000
      ended_at_ns 2000
      user_usec 5
      system_usec 6
      max_rss_bytes 7
      read_bytes 8
      write_bytes 9
      end
      """;

  @TempDir Path directory;

  @Test
  void aWholeRecordIsRead() {
    ExitRecord record = ExitRecord.parse(GOOD);
    assertThat(record.exitCode()).hasValue(3);
    assertThat(record.signal()).isEmpty();
    assertThat(record.cause()).isEqualTo(ExitRecord.Cause.STOP);
    assertThat(record.cpu()).hasNanos(11_000);
  }

  @Test
  void keysOfANewerLauncherArePassedOver() {
    assertThat(ExitRecord.parse(GOOD.replace("signal 0", "signal 0\nnews 1")).exitCode())
        .hasValue(3);
  }

  @Test
  void whatIsNotARecordIsRefused() {
    for (String bad :
        new String[] {
          "",
          "end\n",
          GOOD.replace("version 1", "version 2"),
          GOOD.substring(0, GOOD.length() - 5),
          GOOD.replace("exit_code 3", "exit_code x"),
          GOOD.replace("exit_code 3", "exit_code -1"),
          GOOD.replace("signal 0", "signal 9"),
          GOOD.replace("cause stop", "cause magic"),
          GOOD.replace("user_usec 5", "user_usec 9223372036854775807"),
        }) {
      assertThatThrownBy(() -> ExitRecord.parse(bad))
          .isInstanceOfAny(IllegalArgumentException.class, ArithmeticException.class);
    }
  }

  @Test
  void garbageOnDiskIsAnIoErrorAndAbsenceIsEmpty() throws IOException {
    assertThat(ExitRecord.read(directory)).isEmpty();
    Files.write(directory.resolve("exit"), new byte[] {0, 1, (byte) 0xff});
    assertThatThrownBy(() -> ExitRecord.read(directory)).isInstanceOf(IOException.class);
  }
}
