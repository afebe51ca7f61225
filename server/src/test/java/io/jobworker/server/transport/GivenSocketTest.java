package io.jobworker.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;

class GivenSocketTest {
  @Test
  void oneIsTakenAndSeveralAreRefused() {
    assertThat(GivenSocket.descriptor(Map.of("LISTEN_PID", "7", "LISTEN_FDS", "1"), 7)).hasValue(3);
    assertThatThrownBy(
            () -> GivenSocket.descriptor(Map.of("LISTEN_PID", "7", "LISTEN_FDS", "2"), 7))
        .hasMessage("LISTEN_FDS is 2, and the server listens at one socket");
  }

  @Test
  void whatWasGivenToAnotherProcessIsNotOurs() {
    assertThat(GivenSocket.descriptor(Map.of(), 7)).isEmpty();
    assertThat(GivenSocket.descriptor(Map.of("LISTEN_FDS", "1"), 7)).isEmpty();
    assertThat(GivenSocket.descriptor(Map.of("LISTEN_PID", "8", "LISTEN_FDS", "1"), 7)).isEmpty();
    assertThat(GivenSocket.descriptor(Map.of("LISTEN_PID", "7"), 7)).isEmpty();
  }
}
