package io.jobworker.server.transport;

import static java.util.Objects.requireNonNull;

import io.github.bucket4j.Bucket;
import io.grpc.netty.shaded.io.netty.buffer.ByteBuf;
import io.grpc.netty.shaded.io.netty.channel.Channel;
import io.grpc.netty.shaded.io.netty.channel.ChannelDuplexHandler;
import io.grpc.netty.shaded.io.netty.channel.ChannelHandlerContext;
import io.grpc.netty.shaded.io.netty.channel.ChannelPromise;
import io.grpc.netty.shaded.io.netty.util.ReferenceCountUtil;
import io.grpc.netty.shaded.io.netty.util.concurrent.FastThreadLocal;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Behind a connection's TLS and before its HTTP/2: looks at the heads of the frames that come (RFC
 * 9113, 4.1), and ends a connection whose frames cost and bring nothing, beyond what a client that
 * means well ever sends of them. On the connection's event loop.
 */
final class FrameGovernor extends ChannelDuplexHandler {
  /** Of frames that bring nothing of themselves: how many at once, and a second in the long run. */
  enum Kind {
    /** Data without a byte, or padded, which no client of gRPC does. */
    EMPTY_DATA(200, 20),
    /** Calls that are given up; all of a connection's at once are no flood. */
    RESET(2000, 200),
    SETTINGS(100, 10),
    PING(1000, 100),
    /** Priorities and what nobody knows. */
    OTHER(200, 20),
    /** Of one whose certificate is no client's: each is refused. */
    STRANGERS_CALL(20, 1),
    /** Bounded by what there was to make room for. */
    WINDOW_UPDATE(0, 0);

    private final int burst;
    private final int perSecond;

    Kind(int burst, int perSecond) {
      this.burst = burst;
      this.perSecond = perSecond;
    }

    Bucket bucket() {
      return Bucket.builder()
          .addLimit(limit -> limit.capacity(burst).refillGreedy(perSecond, Duration.ofSeconds(1)))
          .build();
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final int PREFACE_BYTES = 24;
  private static final int HEAD_BYTES = 9;

  private static final int DATA = 0x0;
  private static final int HEADERS = 0x1;
  private static final int RST_STREAM = 0x3;
  private static final int SETTINGS = 0x4;
  private static final int PING = 0x6;
  private static final int GOAWAY = 0x7;
  private static final int WINDOW_UPDATE = 0x8;
  private static final int CONTINUATION = 0x9; // netty bounds these

  private static final int END_STREAM = 0x1; // also ACK, of SETTINGS and PING
  private static final int PADDED = 0x8;
  private static final int ENHANCE_YOUR_CALM = 0xb;

  /** Clients make room again after so much, at the least; and at first for each stream. */
  private static final int BYTES_PER_UPDATE = 1 << 10;

  private static final int UPDATES_AT_ONCE = 1000;

  /** Frames of ours. The smallest answer holds all that there is of its call. */
  private static final int MAX_UNTAKEN = 512;

  private static final long FAREWELL_MILLIS = 500;

  private static final FastThreadLocal<@Nullable FrameGovernor> CURRENT = new FastThreadLocal<>();

  private final AtomicInteger unfinished = new AtomicInteger();
  private volatile @Nullable Channel channel;
  private Consumer<Kind> flooded = _ -> {};
  private final Map<Kind, Bucket> buckets = new EnumMap<>(Kind.class);
  private final byte[] head = new byte[HEAD_BYTES];
  private int headBytes;
  private long toSkip = PREFACE_BYTES;
  private long sentBytes;
  private long calls;
  private long updates;
  private int untaken;
  private boolean strange;
  private boolean waiting;
  private boolean over;

  /** Has {@code flooding} told once, before the connection ends. */
  void tell(Consumer<Kind> flooding) {
    flooded = flooding;
  }

  /** From now on it is that of somebody who is no client. */
  void restrict() {
    strange = true;
  }

  /** Reads no more until it is known whose connection it is. */
  void await(Channel own) {
    waiting = true;
    read(own);
  }

  /** It is known. */
  void goOn(Channel own) {
    waiting = false;
    read(own);
  }

  /**
   * Whoever does not take our answers, or has more under way than anybody needs, is not heard for a
   * while.
   */
  private boolean isPaused() {
    return !over
        && (waiting
            || untaken > MAX_UNTAKEN
            || unfinished.get() > Connections.MAX_CALLS_PER_CONNECTION);
  }

  private void read(Channel from) {
    from.config().setAutoRead(!isPaused());
  }

  /** HTTP/2 asks for more also where the channel is not to read by itself. */
  @Override
  public void read(ChannelHandlerContext context) {
    if (!isPaused()) {
      context.read();
    }
  }

  @Override
  public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
    if (message instanceof ByteBuf bytes) {
      sentBytes += bytes.readableBytes();
    }
    ChannelPromise own = promise.unvoid();
    untaken++;
    if (untaken == MAX_UNTAKEN + 1) {
      read(context.channel());
    }
    var _ = own.addListener(_ -> taken(context.channel()));
    var _ = context.write(message, own);
  }

  private void taken(Channel own) {
    untaken--;
    if (untaken == MAX_UNTAKEN / 2) {
      read(own);
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    if (!over && message instanceof ByteBuf bytes) {
      look(context, bytes);
    }
    if (over) {
      ReferenceCountUtil.release(message);
      return;
    }
    channel = context.channel();
    FrameGovernor before = CURRENT.get();
    CURRENT.set(this);
    try {
      context.fireChannelRead(message);
    } finally {
      CURRENT.set(before);
    }
  }

  /** That of the connection whose frames this thread is handling; null if it is none's. */
  static @Nullable FrameGovernor current() {
    return CURRENT.get();
  }

  /**
   * A call has come, by a frame that is being handled. HTTP/2's own bound is of streams that are
   * open; of one that was answered and closed, much may still be to be done.
   */
  void callBegan() {
    if (unfinished.incrementAndGet() > Connections.MAX_CALLS_PER_CONNECTION) {
      read(requireNonNull(channel));
    }
  }

  /** Nothing is left of one. On any thread. */
  void callEnded() {
    if (unfinished.decrementAndGet() == Connections.MAX_CALLS_PER_CONNECTION / 2) {
      Channel own = requireNonNull(channel);
      own.eventLoop().execute(() -> read(own));
    }
  }

  private void look(ChannelHandlerContext context, ByteBuf bytes) {
    int index = bytes.readerIndex();
    while (index < bytes.writerIndex() && !over) {
      if (toSkip > 0) {
        int skipped = (int) Math.min(toSkip, bytes.writerIndex() - index);
        toSkip -= skipped;
        index += skipped;
      } else {
        head[headBytes++] = bytes.getByte(index++);
        if (headBytes == HEAD_BYTES) {
          headBytes = 0;
          toSkip = ((head[0] & 0xffL) << 16) | ((head[1] & 0xff) << 8) | (head[2] & 0xff);
          judge(context, head[3] & 0xff, head[4] & 0xff, toSkip);
        }
      }
    }
  }

  private void judge(ChannelHandlerContext context, int type, int flags, long length) {
    switch (type) {
      case DATA -> {
        boolean empty = length == 0 && (flags & END_STREAM) == 0;
        if (empty || (flags & PADDED) != 0) {
          count(context, Kind.EMPTY_DATA);
        }
      }
      case HEADERS -> {
        calls++;
        if (strange) {
          count(context, Kind.STRANGERS_CALL);
        }
      }
      case RST_STREAM -> count(context, Kind.RESET);
      case SETTINGS -> count(context, Kind.SETTINGS);
      case PING -> count(context, Kind.PING);
      case WINDOW_UPDATE -> {
        updates++;
        if (updates > UPDATES_AT_ONCE + calls + sentBytes / BYTES_PER_UPDATE) {
          end(context, Kind.WINDOW_UPDATE);
        }
      }
      case GOAWAY, CONTINUATION -> {}
      default -> count(context, Kind.OTHER);
    }
  }

  private void count(ChannelHandlerContext context, Kind kind) {
    if (!buckets.computeIfAbsent(kind, Kind::bucket).tryConsume(1)) {
      end(context, kind);
    }
  }

  private void end(ChannelHandlerContext context, Kind kind) {
    over = true;
    read(context.channel());
    flooded.accept(kind);
    ByteBuf goAway = context.alloc().buffer(HEAD_BYTES + 8);
    goAway.writeMedium(8).writeByte(GOAWAY).writeByte(0).writeInt(0);
    goAway.writeInt(Integer.MAX_VALUE).writeInt(ENHANCE_YOUR_CALM);
    var _ = context.writeAndFlush(goAway);
    // Until then what comes is read and thrown away: of a connection that is closed with something
    // unread, the other side may never see our last word (RFC 9112, 9.6).
    var _ =
        context
            .executor()
            .schedule(
                () -> Connection.closeAtOnce(context.channel()),
                FAREWELL_MILLIS,
                TimeUnit.MILLISECONDS);
  }
}
