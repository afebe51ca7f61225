package io.jobworker.base.units;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "512, 512",
    "512B, 512",
    "64K, 65536",
    "64 kb, 65536",
    "64KiB, 65536",
    "256Mi, 268435456",
    "1GB, 1073741824",
    "1.5G, 1610612736",
    "0.5Ki, 512",
    "1.1K, 1126",
    "2T, 2199023255552",
    "9223372036854775807, 9223372036854775807",
  })
  void aSizeIsReadInEveryUsualFormAndIsBinary(String text, long bytes) {
    assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "K", "1.5", "1.5B", "1,5G", ".5G", "1.G", "64i", "64x", "-1", "1e9"})
  void whatIsNoneIsRefusedWithHowToWriteOne(String text) {
    assertThatThrownBy(() -> ByteSize.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "'" + text + "' is not a size; write a number with K, M, G or T, as in 64M or 1.5G");
  }

  @ParameterizedTest
  @ValueSource(strings = {"8E", "9223372036854775808", "9999999999999999999T"})
  void whatIsMoreThanCanBeCountedIsRefused(String text) {
    assertThatThrownBy(() -> ByteSize.parse(text)).hasMessage("'" + text + "' is too large a size");
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    for (long bytes : new long[] {0, 1000, 1536L << 20, 1L << 50, Long.MAX_VALUE}) {
      assertThat(ByteSize.parse(ByteSize.of(bytes).toString()).bytes()).isEqualTo(bytes);
    }
  }
}
