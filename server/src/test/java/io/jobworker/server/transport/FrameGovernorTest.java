package io.jobworker.server.transport;

import static org.assertj.core.api.Assertions.assertThat;

import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.buffer.Unpooled;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelOutboundHandlerAdapter;
import io.grpc.netty.shaded.io.netty.channel.ChannelPromise;
import io.grpc.netty.shaded.io.netty.channel.embedded.EmbeddedChannel;
import io.jobworker.server.transport.FrameGovernor.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class FrameGovernorTest {
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int PING = 6;
  private static final int WINDOW_UPDATE = 8;
  private static final int END_STREAM = 1;

  private final List<Kind> floods = new ArrayList<>();
  private final FrameGovernor governor = new FrameGovernor();
  private final EmbeddedChannel channel = new EmbeddedChannel(governor);

  @BeforeEach
  void begin() {
    governor.tell(floods::add);
    channel.writeInbound(Unpooled.copiedBuffer(new byte[24])); // the preface
  }

  @AfterEach
  void end() {
    channel.finishAndReleaseAll();
  }

  private static ByteBuf frame(int type, int flags, int length) {
    return Unpooled.buffer()
        .writeMedium(length)
        .writeByte(type)
        .writeByte(flags)
        .writeInt(1)
        .writeZero(length);
  }

  private void receive(int count, int type, int flags, int length) {
    for (int i = 0; i < count; i++) {
      channel.writeInbound(frame(type, flags, length));
    }
  }

  @Test
  void whatBringsSomethingIsNeverTooMuch() {
    receive(20_000, DATA, 0, 9);
    receive(20_000, DATA, END_STREAM, 0);
    receive(20_000, HEADERS, 0, 100);
    assertThat(floods).isEmpty();
    assertThat(channel.outboundMessages()).isEmpty();
  }

  @Test
  void whatBringsNothingIsTooMuchAfterAWhileAndIsReadNoMore() {
    receive(150, DATA, 0, 0);
    assertThat(floods).isEmpty();
    receive(10_000, DATA, 0, 0);
    assertThat(floods).containsExactly(Kind.EMPTY_DATA);
    assertThat(channel.inboundMessages()).hasSizeLessThan(1000);
    ByteBuf goAway = channel.readOutbound();
    assertThat(goAway.getByte(3)).isEqualTo((byte) 7);
    assertThat(goAway.getInt(13)).as("ENHANCE_YOUR_CALM").isEqualTo(0xb);
    assertThat(channel.isOpen()).isTrue();
    channel.advanceTimeBy(10, TimeUnit.SECONDS);
    channel.runScheduledPendingTasks();
    assertThat(channel.isOpen()).isFalse();
    goAway.release();
  }

  @Test
  void framesAreFoundWhereverTheyAreCutApart() {
    ByteBuf all = Unpooled.buffer();
    for (int i = 0; i < 5_000; i++) {
      all.writeBytes(frame(HEADERS, 0, 7)).writeBytes(frame(RST_STREAM, 0, 4));
    }
    int size = 1;
    while (all.isReadable()) {
      channel.writeInbound(all.readBytes(Math.min(size, all.readableBytes())));
      size = size % 23 + 1;
    }
    assertThat(floods).containsExactly(Kind.RESET);
    all.release();
  }

  @Test
  void whoIsSentMuchMayMakeRoomForMuch() {
    for (int i = 0; i < 1_000; i++) {
      channel.writeOutbound(Unpooled.wrappedBuffer(new byte[16 << 10]));
      receive(8, WINDOW_UPDATE, 0, 4);
    }
    assertThat(floods).isEmpty();
    receive(20_000, WINDOW_UPDATE, 0, 4);
    assertThat(floods).containsExactly(Kind.WINDOW_UPDATE);
  }

  @Test
  void forEachOfOurFramesThereMayBeAPing() {
    for (int i = 0; i < 20_000; i++) {
      channel.writeOutbound(Unpooled.wrappedBuffer(new byte[9]));
      receive(1, PING, 0, 8);
    }
    assertThat(floods).isEmpty();
    receive(20_000, PING, 0, 8);
    assertThat(floods).containsExactly(Kind.PING);
  }

  @Test
  void whoTakesNothingIsNotHeardUntilItDoes() {
    List<ChannelPromise> untaken = new ArrayList<>();
    EmbeddedChannel slow =
        new EmbeddedChannel(
            new ChannelOutboundHandlerAdapter() {
              @Override
              public void write(ChannelHandlerContext at, Object message, ChannelPromise promise) {
                untaken.add(promise);
              }
            },
            new FrameGovernor());
    for (int i = 0; i < 600; i++) {
      var _ = slow.write(Unpooled.EMPTY_BUFFER);
    }
    assertThat(slow.config().isAutoRead()).isFalse();
    untaken.forEach(promise -> assertThat(promise.trySuccess()).isTrue());
    assertThat(slow.config().isAutoRead()).isTrue();
    slow.finishAndReleaseAll();
  }

  @Test
  void aStrangerMayCallOnlyAFewTimes() {
    governor.restrict();
    receive(15, HEADERS, 0, 50);
    assertThat(floods).isEmpty();
    receive(100, HEADERS, 0, 50);
    assertThat(floods).containsExactly(Kind.STRANGERS_CALL);
  }
}
