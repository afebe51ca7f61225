package io.jobworker.cli.connect;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class BoundedHandshakesTest {
  @Test
  void whoeverTakesAConnectionAndSaysNothingIsGivenUp() throws Exception {
    Duration patience = Duration.ofMillis(100);
    BoundedHandshakes tls =
        new BoundedHandshakes(SSLContext.getDefault().getSocketFactory(), patience);
    InetAddress loopback = InetAddress.getLoopbackAddress();
    try (ServerSocket silent = new ServerSocket(0, 1, loopback);
        Socket connected = new Dialing(patience).createSocket(loopback, silent.getLocalPort());
        SSLSocket socket =
            (SSLSocket) tls.createSocket(connected, "silent", silent.getLocalPort(), true)) {
      assertThatThrownBy(socket::startHandshake)
          .satisfiesAnyOf(
              e ->
                  org.assertj.core.api.Assertions.assertThat(e)
                      .isInstanceOf(SocketTimeoutException.class),
              e ->
                  org.assertj.core.api.Assertions.assertThat(e)
                      .hasRootCauseInstanceOf(SocketTimeoutException.class));
    }
  }
}
