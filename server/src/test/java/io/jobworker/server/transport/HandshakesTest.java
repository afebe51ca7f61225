package io.jobworker.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.embedded.EmbeddedChannel;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HandshakesTest {
  private static final int MAX = 8;

  private final Handshakes handshakes = new Handshakes(MAX);

  private static Source source(String address) {
    try {
      return Source.of(new InetSocketAddress(InetAddress.getByName(address), 1));
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  private Channel begin(String address) {
    Channel channel = new EmbeddedChannel();
    handshakes.begin(channel, source(address));
    return channel;
  }

  private List<Channel> begin(int count, String address) {
    List<Channel> channels = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      channels.add(begin(address));
    }
    return channels;
  }

  @Test
  void whoComesFromElsewhereIsNotCrowdedOut() {
    Channel quiet = begin("192.0.2.1");
    List<Channel> flood = begin(100 * MAX, "198.51.100.1");
    assertThat(handshakes.isUnderWay(quiet)).isTrue();
    assertThat(flood.stream().filter(handshakes::isUnderWay)).hasSize(MAX - 1);
    assertThat(flood.getFirst().isOpen()).isFalse();
    assertThat(flood.getLast().isOpen()).isTrue();
  }

  @Test
  void theAddressesOfANetworkShareItsPlaces() {
    Channel quiet = begin("192.0.2.1");
    for (int i = 0; i < 100 * MAX; i++) {
      begin("198.51.100." + i % 256);
    }
    for (int i = 0; i < 100 * MAX; i++) {
      begin("2001:db8:7:" + Integer.toHexString(i) + "::1");
    }
    assertThat(handshakes.isUnderWay(quiet)).isTrue();
  }

  @Test
  void whoHasOneAddressOfIpv6HasManyOfThem() {
    assertThat(source("2001:db8:7:1::1")).isEqualTo(source("2001:db8:7:1:ffff::2"));
    assertThat(source("2001:db8:7:1::1")).isNotEqualTo(source("2001:db8:7:2::1"));
    assertThat(source("::ffff:192.0.2.1")).isEqualTo(source("192.0.2.1"));
  }

  @Test
  void whoSaysNothingGivesWayToWhoSpeaksFromTheSameAddress() {
    Channel speaking = begin("192.0.2.1");
    handshakes.speaks(speaking);
    List<Channel> silent = begin(100 * MAX, "192.0.2.1");
    assertThat(handshakes.isUnderWay(speaking)).isTrue();
    assertThat(silent.stream().filter(handshakes::isUnderWay)).hasSize(MAX - 1);
  }

  @Test
  void ofThoseWhoSpeakTheOldestGivesWay() {
    List<Channel> speaking = new ArrayList<>();
    for (int i = 0; i < MAX + 1; i++) {
      speaking.add(begin("192.0.2.1"));
      handshakes.speaks(speaking.getLast());
    }
    assertThat(handshakes.isUnderWay(speaking.getFirst())).isFalse();
    assertThat(handshakes.end(speaking.getFirst())).isEqualTo(Handshakes.End.CROWDED_OUT);
    assertThat(handshakes.crowdedOut()).isZero();
    assertThat(handshakes.end(speaking.getLast())).isEqualTo(Handshakes.End.UNDER_WAY);
    assertThat(speaking.subList(1, MAX)).allMatch(handshakes::isUnderWay);
  }

  @Test
  void handshakesOfAnAddressThatComeTooQuicklyWaitAndThoseOfOthersDoNot() {
    Paces paces = new Paces(1);
    int admitted = 0;
    while (paces.admits(source("192.0.2.1"))) {
      admitted++;
    }
    assertThat(admitted).isBetween(2, 1000);
    assertThat(paces.admits(source("192.0.2.2"))).isTrue();
  }

  @Test
  void manyAddressesOfANetworkAndManyNetworksHaveAPaceTogether() {
    Paces paces = new Paces(1);
    int ofOneNetwork = 0;
    while (paces.admits(source("192.0.2." + ofOneNetwork % 256))) {
      ofOneNetwork++;
    }
    assertThat(ofOneNetwork).isBetween(8, 1000);
    int ofAll = 0;
    while (paces.admits(source("10.0." + ofAll % 256 + ".1"))) {
      ofAll++;
    }
    assertThat(ofAll).isBetween(8, 1000);
  }
}
