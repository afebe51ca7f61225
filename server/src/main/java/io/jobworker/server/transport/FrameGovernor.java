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
    /** Data too small for any message, of which each takes what a hundred bytes do. */
    SMALL_DATA(5000, 1000),
    /** Calls that are given up; all of a connection's at once are no flood. */
    RESET(2000, 200),
    SETTINGS(100, 10),
    /** Beyond one for each frame of ours: clients measure by them, and answer ours. */
    PING(1000, 100),
    /** Priorities and what nobody knows. */
    OTHER(200, 20),
    /** Of one whose certificate is no client's: each is refused. */
    STRANGERS_CALL(20, 1),
    /** Beyond those that make room for what was sent. */
    WINDOW_UPDATE(2000, 500),
    /** More at once than they were told that they may have. */
    STREAMS(0, 1);

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

  /** Clients make room again for so much at the least, and some with each frame: of two kinds. */
  private static final int BYTES_PER_UPDATE = 1 << 10;

  private static final int UPDATES_PER_FRAME = 2;

  /** The head of a message of gRPC, and some. */
  private static final int SMALL_BYTES = 8;

  private static final int RESET_BYTES = HEAD_BYTES + 4;

  /** What a client may have opened before it was told how many streams it may have. */
  private static final int EARLY_STREAMS = 1024;

  /** Frames of ours. The smallest answer holds all that there is of its call. */
  private static final int MAX_UNTAKEN = 512;

  private static final long FAREWELL_MILLIS = 500;

  private static final FastThreadLocal<@Nullable FrameGovernor> CURRENT = new FastThreadLocal<>();

  /** Calls whose stream is closed, and of which something is still to be done. */
  private final AtomicInteger unfinished = new AtomicInteger();

  private volatile @Nullable ChannelHandlerContext context;
  private Consumer<Kind> flooded = _ -> {};
  private final Map<Kind, Bucket> buckets = new EnumMap<>(Kind.class);
  private final byte[] head = new byte[HEAD_BYTES];
  private int headBytes;
  private long toSkip = PREFACE_BYTES;
  private long sentBytes;
  private long sentFrames;
  private long dataFrames;
  private long updates;
  private long pings;
  private int streams;
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

  /** It is a client's by now. */
  void welcome() {
    strange = false;
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
  public void read(ChannelHandlerContext at) {
    if (!isPaused()) {
      at.read();
    }
  }

  @Override
  public void write(ChannelHandlerContext at, Object message, ChannelPromise promise) {
    if (message instanceof ByteBuf bytes) {
      sentBytes += bytes.readableBytes();
      if (isReset(bytes) && !over) {
        count(at, Kind.RESET); // whoever makes us reset streams resets them
      }
    }
    sentFrames++;
    ChannelPromise own = promise.unvoid();
    untaken++;
    if (untaken == MAX_UNTAKEN + 1) {
      read(at.channel());
    }
    var _ = own.addListener(_ -> taken(at.channel()));
    var _ = at.write(message, own);
  }

  private static boolean isReset(ByteBuf bytes) {
    return bytes.readableBytes() == RESET_BYTES
        && bytes.getByte(bytes.readerIndex() + 3) == RST_STREAM;
  }

  private void taken(Channel own) {
    untaken--;
    if (untaken == MAX_UNTAKEN / 2) {
      read(own);
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
  }

  @Override
  public void channelRead(ChannelHandlerContext at, Object message) {
    if (!over && message instanceof ByteBuf bytes) {
      look(at, bytes);
    }
    if (over) {
      ReferenceCountUtil.release(message);
      return;
    }
    FrameGovernor before = CURRENT.get();
    CURRENT.set(this);
    try {
      at.fireChannelRead(message);
    } finally {
      CURRENT.set(before);
    }
  }

  /** That of the connection whose frames this thread is handling; null if it is none's. */
  static @Nullable FrameGovernor current() {
    return CURRENT.get();
  }

  /** A stream was opened by a frame that is being handled. */
  void streamOpened() {
    // HTTP/2 bounds them only once the client has said that it knows the bound.
    if (++streams > Connections.MAX_CALLS_PER_CONNECTION + EARLY_STREAMS && !over) {
      end(requireNonNull(context), Kind.STREAMS);
    }
  }

  /** A stream was closed, on the event loop; {@code unfinished}: its call is not done with. */
  void streamClosed(boolean stillUnfinished) {
    streams--;
    if (stillUnfinished && unfinished.incrementAndGet() > Connections.MAX_CALLS_PER_CONNECTION) {
      read(requireNonNull(context).channel());
    }
  }

  /** Nothing is left of a call whose stream was closed before. On any thread. */
  void callEnded() {
    if (unfinished.decrementAndGet() == Connections.MAX_CALLS_PER_CONNECTION / 2) {
      Channel own = requireNonNull(context).channel();
      own.eventLoop().execute(() -> read(own));
    }
  }

  private void look(ChannelHandlerContext at, ByteBuf bytes) {
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
          judge(at, head[3] & 0xff, head[4] & 0xff, toSkip);
        }
      }
    }
  }

  private void judge(ChannelHandlerContext at, int type, int flags, long length) {
    switch (type) {
      case DATA -> {
        boolean empty = length == 0 && (flags & END_STREAM) == 0;
        dataFrames++;
        if (empty || (flags & PADDED) != 0) {
          count(at, Kind.EMPTY_DATA);
        } else if (length < SMALL_BYTES && (flags & END_STREAM) == 0) {
          count(at, Kind.SMALL_DATA);
        }
      }
      case HEADERS -> {
        dataFrames++;
        if (strange) {
          count(at, Kind.STRANGERS_CALL);
        }
      }
      case RST_STREAM -> count(at, Kind.RESET);
      case SETTINGS -> count(at, Kind.SETTINGS);
      case PING -> {
        if (pings < sentFrames) {
          pings++;
        } else {
          count(at, Kind.PING);
        }
      }
      case WINDOW_UPDATE -> {
        if (updates
            < UPDATES_PER_FRAME * (sentFrames + dataFrames) + sentBytes / BYTES_PER_UPDATE) {
          updates++;
        } else {
          count(at, Kind.WINDOW_UPDATE);
        }
      }
      case GOAWAY, CONTINUATION -> {}
      default -> count(at, Kind.OTHER);
    }
  }

  private void count(ChannelHandlerContext at, Kind kind) {
    if (!buckets.computeIfAbsent(kind, Kind::bucket).tryConsume(1)) {
      end(at, kind);
    }
  }

  private void end(ChannelHandlerContext at, Kind kind) {
    over = true;
    read(at.channel());
    flooded.accept(kind);
    ByteBuf goAway = at.alloc().buffer(HEAD_BYTES + 8);
    goAway.writeMedium(8).writeByte(GOAWAY).writeByte(0).writeInt(0);
    goAway.writeInt(Integer.MAX_VALUE).writeInt(ENHANCE_YOUR_CALM);
    var _ = at.writeAndFlush(goAway);
    // Until then what comes is read and thrown away: of a connection that is closed with something
    // unread, the other side may never see our last word (RFC 9112, 9.6).
    var _ =
        at.executor()
            .schedule(
                () -> Connection.closeAtOnce(at.channel()), FAREWELL_MILLIS, TimeUnit.MILLISECONDS);
  }
}
