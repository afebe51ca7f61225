package io.jobworker.base.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HostAndPortTest {
  @ParameterizedTest
  @CsvSource({
    "localhost:7443, localhost, 7443",
    "10.0.0.7:1, 10.0.0.7, 1",
    "host_with_underscore:65535, host_with_underscore, 65535",
    "[::1]:7443, ::1, 7443",
    "[::ffff:0:1]:0, ::ffff:0:1, 0",
    "bücher.example:7443, bücher.example, 7443",
  })
  void anAddressIsReadAndWrittenAlike(String text, String host, int port) {
    HostAndPort read = HostAndPort.parse(text);
    assertThat(read).isEqualTo(new HostAndPort(host, port));
    assertThat(read).hasToString(text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        ":7443 | names no host",
        "a b:1 | is no address",
        "127.0.0.1:99999 | has no good port",
        "127.0.0.1:-1 | has no good port",
        "127.0.0.1:7443x | has no good port",
        "build1 | names no port",
        "build1: | names no port",
        "[::1] | names no port",
        "[::1]7443 | names no port",
        "::1:7443 | goes in brackets",
        "fe80::1 | goes in brackets",
        "[10.0.0.7]:7443 | no IPv6 address in its brackets",
        "[]:7443 | no IPv6 address in its brackets",
        "http://build1:7443/x | write HOST:PORT, as in build1:7443",
        "https://build1 | is a URL",
        "dns:///build1:7443 | as in build1:7443",
        "user@build1:7443 | is no address",
        "a/b:1 | is no address",
      })
  void whatIsNoneIsRefusedWithWhatToWrite(String text, String problem) {
    assertThatThrownBy(() -> HostAndPort.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("'" + text + "' ")
        .hasMessageContaining(problem);
  }

  @Test
  void whatIsShownOfItIsOneShortLine() {
    assertThatThrownBy(() -> HostAndPort.parse("a\n\0" + "b".repeat(10_000)))
        .message()
        .hasLineCount(1)
        .hasSizeLessThan(300);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0.0.0.0:7443", "[::]:7443"})
  void aWildcardIsToldFromAnAddress(String text) {
    assertThat(HostAndPort.parse(text).isWildcard()).isTrue();
    assertThat(HostAndPort.parse("[::1]:7443").isWildcard()).isFalse();
    assertThat(HostAndPort.parse("build1:7443").isWildcard()).isFalse();
  }
}
