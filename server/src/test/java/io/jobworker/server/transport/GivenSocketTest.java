package io.jobworker.server.transport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.jobworker.base.linux.Fd;
import io.jobworker.base.linux.FileCalls;
import io.jobworker.base.linux.SocketCalls;
import java.nio.file.Path;
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
  void whatNobodyListensAtIsRefused() throws Exception {
    try (Fd file = FileCalls.open(Path.of("/dev/null"), FileCalls.O_RDONLY)) {
      assertThatThrownBy(() -> GivenSocket.requireListening(file.number()))
          .hasMessage(
              "LISTEN_FDS: descriptor " + file.number() + " is no TCP socket that is listened at");
    }
    try (Fd socket = SocketCalls.packetSocketPair().getFirst()) {
      assertThatThrownBy(() -> GivenSocket.requireListening(socket.number()))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> GivenSocket.requireListening(987_654)) // there is none
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatWasGivenToAnotherProcessIsNotOurs() {
    assertThat(GivenSocket.descriptor(Map.of(), 7)).isEmpty();
    assertThat(GivenSocket.descriptor(Map.of("LISTEN_FDS", "1"), 7)).isEmpty();
    assertThat(GivenSocket.descriptor(Map.of("LISTEN_PID", "8", "LISTEN_FDS", "1"), 7)).isEmpty();
    assertThat(GivenSocket.descriptor(Map.of("LISTEN_PID", "7"), 7)).isEmpty();
  }
}
